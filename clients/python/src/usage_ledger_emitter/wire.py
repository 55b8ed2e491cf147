"""The wire form of an event: the body of an Avro message, without the five bytes that frame it."""

import io
import json
import logging
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import fastavro

from .silent_losses import SilentLosses

logger = logging.getLogger("usage_ledger_emitter")

_FILE = files(__package__).joinpath("agent_metrics_event.avsc")

SCHEMA_TEXT = json.dumps(
    json.loads(_FILE.read_text("utf-8")), ensure_ascii=False, separators=(",", ":")
)
"""The schema of a message value, in the text that the command line registers too."""

_SCHEMA = fastavro.parse_schema(json.loads(SCHEMA_TEXT))

RECORDS = {
    "llm_metrics": "LLMMetrics",
    "realtime_model_metrics": "RealtimeModelMetrics",
    "stt_metrics": "STTMetrics",
    "tts_metrics": "TTSMetrics",
    "vad_metrics": "VADMetrics",
    "eou_metrics": "EOUMetrics",
    "interruption_metrics": "InterruptionMetrics",
    "eot_inference_metrics": "EOTInferenceMetrics",
    "avatar_metrics": "AvatarMetrics",
    "decision_metrics": "DecisionMetrics",
    "session_usage_report": "SessionUsageReport",
}
"""Record of the union for each `type` literal."""

_losses = SilentLosses(SCHEMA_TEXT)


def as_dict(model: Any) -> dict[str, Any]:
    """The fields of a pydantic model of LiveKit's, or of what its `model_dump()` gives.

    Raises TypeError for anything else.
    """
    if isinstance(model, Mapping):
        return dict(model)
    dump = getattr(model, "model_dump", None)
    if dump is None:
        raise TypeError(f"not a metric: {type(model).__name__}")
    fields: dict[str, Any] = dump()
    return fields


def encode(
    metric: Mapping[str, Any],
    session_id: str,
    account_id: str | None,
    attributes: Mapping[str, str],
) -> bytes:
    """The Avro body of one event.

    Raises ValueError for a metric of an unknown type or a fraction of a count, and whatever
    fastavro raises for a value that does not fit its field.
    """
    record = RECORDS.get(str(metric.get("type")))
    if record is None:
        raise ValueError(f"unknown metric type {metric.get('type')!r}")
    for field in _losses.new_fields(record, metric):
        logger.warning(
            "%s is unknown to this version of usage-ledger-emitter and is not sent; upgrade it",
            field,
        )
    body = io.BytesIO()
    event = {
        "session_id": session_id,
        "account_id": account_id,
        "attributes": attributes,
        "metric": (f"usage_ledger.{record}", metric),
    }
    fastavro.schemaless_writer(body, _SCHEMA, event)
    return body.getvalue()


def frame(schema_id: int, body: bytes) -> bytes:
    """The Confluent wire format: byte 0, the schema id as four bytes, the body."""
    return b"\0" + schema_id.to_bytes(4, "big") + body
