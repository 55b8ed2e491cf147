"""The wire form of an event: the body of an Avro message, without the five bytes that frame it."""

import io
import json
import logging
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import fastavro

logger = logging.getLogger("usage_ledger_emitter")

SCHEMA_TEXT = files(__package__).joinpath("agent_metrics_event.avsc").read_text("utf-8")
"""The schema of a message value, as it is registered."""

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


def _fields_by_record() -> dict[str, frozenset[str]]:
    union = json.loads(SCHEMA_TEXT)["fields"][-1]["type"]
    return {
        record["name"]: frozenset(field["name"] for field in record["fields"]) for record in union
    }


_FIELDS = _fields_by_record()
_warned: set[str] = set()


def metric_dict(metric: Any) -> dict[str, Any]:
    """The fields of a metric: a pydantic model of LiveKit's, or what its `model_dump()` gives.

    Raises TypeError for anything else.
    """
    if isinstance(metric, Mapping):
        return dict(metric)
    dump = getattr(metric, "model_dump", None)
    if dump is None:
        raise TypeError(f"not a metric: {type(metric).__name__}")
    fields: dict[str, Any] = dump()
    return fields


def encode(
    metric: Mapping[str, Any],
    session_id: str,
    account_id: str | None,
    attributes: Mapping[str, str],
) -> bytes:
    """The Avro body of one event.

    Raises ValueError for a metric of an unknown type, and whatever fastavro raises for a value that
    does not fit its field.
    """
    record = RECORDS.get(str(metric.get("type")))
    if record is None:
        raise ValueError(f"unknown metric type {metric.get('type')!r}")
    _warn_of_unknown_fields(metric, record)
    body = io.BytesIO()
    event = {
        "session_id": session_id,
        "account_id": account_id,
        "attributes": attributes,
        "metric": (f"usage_ledger.{record}", metric),
    }
    fastavro.schemaless_writer(body, _SCHEMA, event)
    return body.getvalue()


def _warn_of_unknown_fields(metric: Mapping[str, Any], record: str) -> None:
    unknown = metric.keys() - _FIELDS[record] - {"type"}
    for name in sorted(unknown):
        field = f"{record}.{name}"
        if field not in _warned:
            _warned.add(field)
            logger.warning(
                "%s is unknown to this version of usage-ledger-emitter and is not sent; upgrade it",
                field,
            )


def frame(schema_id: int, body: bytes) -> bytes:
    """The Confluent wire format: byte 0, the schema id as four bytes, the body."""
    return b"\0" + schema_id.to_bytes(4, "big") + body
