"""The emitter against librdkafka's own mock of a cluster, and against nothing at all."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import Registry

from usage_ledger_emitter import Stats, UsageEmitter

MOCK = {"test.mock.num.brokers": 1}
NOWHERE = "127.0.0.1:1"


def vad(label: str = "silero") -> dict[str, Any]:
    return {
        "type": "vad_metrics",
        "label": label,
        "timestamp": 1.0,
        "idle_time": 0.0,
        "inference_duration_total": 0.1,
        "inference_count": 3,
    }


@dataclass
class Session:
    """Of a session the emitter needs `on` and nothing else."""

    handlers: dict[str, list[Callable[[Any], None]]] = field(default_factory=dict)

    def on(self, event: str, handler: Callable[[Any], None]) -> None:
        if event == "metrics_collected":
            logging.getLogger("livekit.agents").warning("metrics_collected is deprecated. Use …")
        self.handlers.setdefault(event, []).append(handler)

    def emit(self, event: str, argument: Any) -> None:
        for handler in self.handlers[event]:
            handler(argument)


@dataclass
class Usage:
    type: str
    total_requests: int

    def model_dump(self) -> dict[str, Any]:
        return {
            "type": self.type,
            "provider": "livekit",
            "model": "adaptive",
            "total_requests": self.total_requests,
        }


def test_what_is_emitted_is_acknowledged(registry: Registry) -> None:
    emitter = UsageEmitter(NOWHERE, registry.url, kafka_config=MOCK)
    for _ in range(500):
        emitter.emit(vad(), session_id="s", account_id="a", attributes={"k": "v"})
    assert emitter.flush(20)
    assert emitter.stats == Stats(sent=500, failed=0, dropped=0)
    asyncio.run(emitter.aclose())
    assert registry.requests == ["/subjects/agent-metrics-value/versions?normalize=False"]


def test_events_wait_for_a_registry_that_is_away(registry: Registry) -> None:
    registry.is_away = True
    emitter = UsageEmitter(NOWHERE, registry.url, kafka_config=MOCK)
    emitter.emit(vad(), session_id="s")
    assert not emitter.flush(0.2)
    registry.is_away = False
    assert emitter.flush(30)
    assert emitter.stats == Stats(sent=1, failed=0, dropped=0)


def test_nothing_is_raised_into_the_caller(
    registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    emitter = UsageEmitter(NOWHERE, registry.url, kafka_config=MOCK)
    for metric in (object(), {"type": "future"}, {**vad(), "inference_count": "many"}, None):
        emitter.emit(metric, session_id="s")
    emitter.emit(vad(), session_id="")
    assert emitter.stats == Stats(sent=0, failed=5, dropped=0)
    assert "session s: a usage event cannot be sent: unknown metric type 'future'" in caplog.text


def test_without_a_broker_the_oldest_are_dropped_beyond_the_bound(registry: Registry) -> None:
    emitter = UsageEmitter(NOWHERE, registry.url, buffer_max_bytes=100_000, close_timeout_s=0.1)
    for i in range(2_000):
        emitter.emit(vad(f"silero-{i}"), session_id="s")
    dropped = emitter.stats.dropped
    assert 1_000 < dropped < 2_000
    asyncio.run(emitter.aclose())
    assert emitter.stats == Stats(sent=0, failed=0, dropped=2_000)


def test_aclose_says_what_was_left(registry: Registry, caplog: pytest.LogCaptureFixture) -> None:
    emitter = UsageEmitter(NOWHERE, registry.url, close_timeout_s=0.1)
    emitter.emit(vad(), session_id="s")
    asyncio.run(emitter.aclose())
    assert "1 usage events were not acknowledged within 0.1 s and are lost" in caplog.text
    emitter.emit(vad(), session_id="s")
    assert emitter.stats == Stats(sent=0, failed=0, dropped=2)


def test_a_session_is_followed_and_its_own_count_sent_when_it_closes(
    registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    emitter = UsageEmitter(NOWHERE, registry.url, kafka_config=MOCK)
    session = Session()
    emitter.attach(session, session_id="s", account_id="a")
    assert "deprecated" not in caplog.text
    session.emit("metrics_collected", SimpleNamespace(metrics=vad()))
    usage = SimpleNamespace(model_usage=[Usage("interruption_usage", 3)])
    session.emit("session_usage_updated", SimpleNamespace(usage=usage))
    session.emit("close", SimpleNamespace(reason="user_initiated"))
    session.emit("close", SimpleNamespace(reason="user_initiated"))
    assert emitter.flush(20)
    assert emitter.stats == Stats(sent=2, failed=0, dropped=0)
    with pytest.raises(ValueError, match="session_id must not be empty"):
        emitter.attach(session, session_id="")


def test_a_metric_that_reaches_two_sessions_is_warned_of_once(
    registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    emitter = UsageEmitter(NOWHERE, registry.url, kafka_config=MOCK)
    sessions = [Session(), Session()]
    for i, session in enumerate(sessions):
        emitter.attach(session, session_id=f"s{i}")

    class Metric(Usage):
        pass

    for _ in range(3):
        metric = Metric("vad_metrics", 1)
        for session in sessions:
            session.emit("metrics_collected", SimpleNamespace(metrics=metric))
    assert caplog.text.count("they share a model") == 1
    assert "sessions s0 and s1" in caplog.text


def test_settings_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, registry: Registry
) -> None:
    monkeypatch.delenv("KAFKA_BROKERS", raising=False)
    monkeypatch.setenv("SCHEMA_REGISTRY_URL", registry.url)
    with pytest.raises(ValueError, match="KAFKA_BROKERS is not set"):
        UsageEmitter.from_env()
    monkeypatch.setenv("KAFKA_BROKERS", NOWHERE)
    monkeypatch.setenv("KAFKA_TOPICS", "one,two")
    with pytest.raises(ValueError, match="KAFKA_TOPICS must name one topic"):
        UsageEmitter.from_env()
    monkeypatch.setenv("KAFKA_TOPICS", "one")
    emitter = UsageEmitter.from_env(kafka_config=MOCK)
    emitter.emit(vad(), session_id="s")
    assert emitter.flush(20)
    assert registry.requests == ["/subjects/one-value/versions?normalize=False"]
