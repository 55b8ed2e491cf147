"""Every metric of the real classes crosses the wire unchanged."""

import io
import json
import logging
from importlib.metadata import version
from pathlib import Path
from typing import Any

import fastavro
import pytest
from livekit.agents.metrics import base

from usage_ledger_emitter.wire import RECORDS, SCHEMA_TEXT, as_dict, encode, frame

SCHEMA = fastavro.parse_schema(json.loads(SCHEMA_TEXT))
VECTORS = Path(__file__).parents[3] / "test/fixtures/vectors"
RECORDED = [VECTORS / "collector/events.jsonl"]
if version("livekit-agents") >= "1.8.9":
    RECORDED.append(VECTORS / "livekit-1.8.9/collector/events.jsonl")


def decode(body: bytes) -> dict[str, Any]:
    event = fastavro.schemaless_reader(io.BytesIO(body), SCHEMA, None, return_record_name=True)
    assert isinstance(event, dict)
    return event


def plain(value: Any) -> Any:
    """Without the names of union branches."""
    if isinstance(value, tuple):
        return plain(value[1])
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    return value


def defaults(record: str) -> dict[str, Any]:
    """Of the fields that an older version of LiveKit does not have."""
    union = json.loads(SCHEMA_TEXT)["fields"][-1]["type"]
    (found,) = (r for r in union if f"usage_ledger.{r['name']}" == record)
    return {field["name"]: field["default"] for field in found["fields"] if "default" in field}


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.parents[1].name)
def test_every_recorded_metric_arrives_with_every_field_it_was_sent_with(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    types = set()
    for line in lines:
        record = RECORDS[line["metric"]["type"]]
        metric = getattr(base, record).model_validate(line["metric"])
        fields = as_dict(metric)
        event = decode(encode(fields, line["session_id"] or "s", None, {"k": "v"}))
        name, arrived = event["metric"]
        assert name == f"usage_ledger.{record}"
        assert {"type": fields["type"], **plain(arrived)} == {**defaults(name), **fields}
        assert event["attributes"] == {"k": "v"}
        types.add(record)
    assert len(lines) >= 500
    assert len(types) >= 7
    assert caplog.text == ""


def test_every_class_of_metrics_has_a_record() -> None:
    classes = {
        name
        for name, found in vars(base).items()
        if name.endswith("Metrics") and hasattr(found, "model_fields") and not name.startswith("_")
    }
    assert classes <= set(RECORDS.values())


def test_fields_that_are_unknown_are_named_once_at_any_depth_and_the_rest_is_sent(
    caplog: pytest.LogCaptureFixture,
) -> None:
    metric = {
        "type": "realtime_model_metrics",
        "request_id": "r",
        "timestamp": 1.0,
        "input_tokens": 2,
        "tokens_of_2027": 3,
        "input_token_details": {"video_tokens": 4, "cached_tokens_details": {"smell_tokens": 5}},
        "output_token_details": {"text_tokens": 1},
    }
    usage = {"type": "llm_usage", "provider": "p", "model": "m", "video_tokens": 9}
    report = {"type": "session_usage_report", "timestamp": 1.0, "model_usage": [usage, usage]}
    with caplog.at_level(logging.WARNING):
        first = encode(metric, "s", None, {})
        encode(metric, "s", None, {})
        encode(report, "s", None, {})
    assert decode(first)["metric"][1]["input_tokens"] == 2
    assert [record.args[0] for record in caplog.records if isinstance(record.args, tuple)] == [
        "CachedTokenDetails.smell_tokens",
        "InputTokenDetails.video_tokens",
        "RealtimeModelMetrics.tokens_of_2027",
        "ReportedModelUsage.video_tokens",
    ]


def test_an_unknown_type_and_a_value_that_does_not_fit_are_errors() -> None:
    with pytest.raises(ValueError, match="unknown metric type 'future_metrics'"):
        encode({"type": "future_metrics"}, "s", None, {})
    for wrong in ({"label": 3}, {"inference_count": 2**63}, {"inference_count": 1.5}):
        vad = {"label": "l", "timestamp": 1.0, "idle_time": 1.0, "inference_duration_total": 1.0}
        with pytest.raises((TypeError, ValueError, OverflowError)):
            encode({"type": "vad_metrics", **vad, "inference_count": 1, **wrong}, "s", None, {})
    with pytest.raises(TypeError, match="not a metric"):
        as_dict(object())


def test_the_frame_is_that_of_confluent() -> None:
    assert frame(258, b"xy") == b"\0\0\0\1\2xy"
