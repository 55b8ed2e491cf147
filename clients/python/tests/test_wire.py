"""Every metric of the real classes crosses the wire unchanged."""

import io
import json
import logging
from typing import Any

import fastavro
import pytest

from usage_ledger_emitter.wire import RECORDS, SCHEMA_TEXT, encode, frame, metric_dict

SCHEMA = fastavro.parse_schema(json.loads(SCHEMA_TEXT))


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


def samples() -> list[Any]:
    metrics = pytest.importorskip("livekit.agents.metrics.base")
    metadata = metrics.Metadata(model_name="m", model_provider="p")
    common: dict[str, Any] = {"timestamp": 1.5, "metadata": metadata}
    realtime = metrics.RealtimeModelMetrics
    made = [
        metrics.LLMMetrics(
            label="l",
            request_id="r",
            duration=1.0,
            ttft=-1,
            cancelled=False,
            completion_tokens=3,
            prompt_tokens=4,
            prompt_cached_tokens=1,
            total_tokens=7,
            tokens_per_second=0.1,
            speech_id="s",
            **common,
        ),
        metrics.STTMetrics(
            label="l",
            request_id="",
            duration=0.0,
            audio_duration=0.1,
            streamed=True,
            input_tokens=2,
            output_tokens=3,
            **common,
        ),
        metrics.TTSMetrics(
            label="l",
            request_id="r",
            ttfb=0.2,
            duration=1,
            audio_duration=2.5,
            cancelled=True,
            characters_count=12,
            streamed=True,
            **common,
        ),
        metrics.VADMetrics(
            label="l", idle_time=1, inference_duration_total=0.1, inference_count=3, **common
        ),
        metrics.EOUMetrics(
            end_of_utterance_delay=0.1,
            transcription_delay=0.2,
            on_user_turn_completed_delay=0.3,
            **common,
        ),
        realtime(
            request_id="r",
            input_token_details=realtime.InputTokenDetails(
                audio_tokens=1,
                cached_tokens=1,
                cached_tokens_details=realtime.CachedTokenDetails(audio_tokens=1),
            ),
            output_token_details=realtime.OutputTokenDetails(text_tokens=2),
            **common,
        ),
        metrics.InterruptionMetrics(
            total_duration=0.1,
            prediction_duration=0.2,
            detection_delay=0.3,
            num_interruptions=1,
            num_backchannels=2,
            num_requests=3,
            **common,
        ),
    ]
    if hasattr(metrics, "EOTInferenceMetrics"):
        made.append(
            metrics.EOTInferenceMetrics(
                total_duration=0.1, detection_delay=0.2, prediction_duration=0.3, **common
            )
        )
    if hasattr(metrics, "AvatarMetrics"):
        made.append(metrics.AvatarMetrics(session_started_time=1.0, **common))
    if hasattr(metrics, "DecisionMetrics"):
        made.append(metrics.DecisionMetrics(label="l", request_id="r", duration=1.0, **common))
    return made


def test_every_metric_of_livekit_arrives_with_every_field_it_was_sent_with() -> None:
    for metric in samples():
        fields = metric_dict(metric)
        event = decode(encode(fields, "s", None, {"k": "v"}))
        name, arrived = event["metric"]
        assert name == f"usage_ledger.{RECORDS[fields['type']]}"
        assert {"type": fields["type"], **plain(arrived)} == {**defaults(name), **fields}
        assert event["session_id"] == "s"
        assert event["attributes"] == {"k": "v"}


def test_a_field_that_is_unknown_is_named_once_and_the_rest_is_sent(
    caplog: pytest.LogCaptureFixture,
) -> None:
    metric = {
        "type": "eot_inference_metrics",
        "timestamp": 1.0,
        "total_duration": 1.0,
        "detection_delay": 1.0,
        "prediction_duration": 1.0,
        "num_requests": 2,
        "tokens_of_2027": 3,
    }
    with caplog.at_level(logging.WARNING):
        first = encode(metric, "s", None, {})
        encode(metric, "s", None, {})
    assert decode(first)["metric"][1]["num_requests"] == 2
    warnings = [r.getMessage() for r in caplog.records if "tokens_of_2027" in r.getMessage()]
    assert len(warnings) == 1


def test_an_unknown_type_and_a_value_that_does_not_fit_are_errors() -> None:
    with pytest.raises(ValueError, match="unknown metric type 'future_metrics'"):
        encode({"type": "future_metrics"}, "s", None, {})
    with pytest.raises(Exception, match=r".*"):
        encode({"type": "vad_metrics", "label": 3}, "s", None, {})
    with pytest.raises(TypeError, match="not a metric"):
        metric_dict(object())


def test_the_frame_is_that_of_confluent() -> None:
    assert frame(258, b"xy") == b"\0\0\0\1\2xy"
