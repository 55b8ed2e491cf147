"""Sends events with confluent-kafka and its AvroSerializer, as a Python service would.

Takes one argument, a JSON object: brokers, registry, topic, events (a file of JSON lines
{"event": ..., "aborted": bool}), schemas (by name, as JSON texts; AgentMetricsEvent is the
envelope), naming ("topic", "record" or "topic-record") and settings (of the producer).
"""

import json
import sys

from confluent_kafka import Producer
from confluent_kafka.schema_registry import (
    SchemaRegistryClient,
    record_subject_name_strategy,
    topic_record_subject_name_strategy,
    topic_subject_name_strategy,
)
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from transactions import in_transactions

STRATEGIES = {
    "topic": topic_subject_name_strategy,
    "record": record_subject_name_strategy,
    "topic-record": topic_record_subject_name_strategy,
}
ENVELOPE = "AgentMetricsEvent"
RECORDS = {
    "llm_metrics": "LLMMetrics",
    "realtime_model_metrics": "RealtimeModelMetrics",
    "stt_metrics": "STTMetrics",
    "tts_metrics": "TTSMetrics",
    "vad_metrics": "VADMetrics",
    "eou_metrics": "EOUMetrics",
    "interruption_metrics": "InterruptionMetrics",
}

options = json.loads(sys.argv[1])
registry = SchemaRegistryClient({"url": options["registry"]})
serializers = {
    name: AvroSerializer(
        registry, schema, conf={"subject.name.strategy": STRATEGIES[options["naming"]]}
    )
    for name, schema in options["schemas"].items()
}
context = SerializationContext(options["topic"], MessageField.VALUE)
failures = []


def delivered(error, _message):
    if error is not None:
        failures.append(str(error))


def message_of(event):
    session = event["session_id"]
    metric = dict(event["metric"])
    record = RECORDS[metric.pop("type")]
    if options["naming"] == "topic":
        envelope = {**event, "metric": (f"usage_ledger.{record}", metric)}
        return {"key": session, "value": serializers[ENVELOPE](envelope, context)}
    value = serializers[record](metric, context)
    if options["naming"] == "record":
        # The header decides; the key may be anything.
        return {"key": "a key of another kind", "value": value, "headers": {"session_id": session}}
    return {"key": session, "value": value}


producer = Producer({"bootstrap.servers": options["brokers"], **options["settings"]})


def send(event):
    while True:
        try:
            producer.produce(options["topic"], on_delivery=delivered, **message_of(event))
            break
        except BufferError:
            producer.poll(1)


with open(options["events"], encoding="utf-8") as file:
    events = [json.loads(line) for line in file]
if "transactional.id" in options["settings"]:
    producer.init_transactions()
    in_transactions(
        [(line["event"], line["aborted"]) for line in events],
        send,
        begin=producer.begin_transaction,
        commit=producer.commit_transaction,
        # Written first: an abort otherwise drops what has not left the client yet.
        abort=lambda: (producer.flush(), producer.abort_transaction()),
    )
else:
    for line in events:
        if not line["aborted"]:
            send(line["event"])
producer.flush()
if failures:
    sys.exit(f"{len(failures)} messages were not delivered, the first: {failures[0]}")
