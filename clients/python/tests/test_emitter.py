"""The emitter against librdkafka's own mock of a cluster, and against nothing at all."""

import asyncio
import threading

import pytest
from conftest import Registry
from samples import MOCK, NOWHERE, vad

from usage_ledger_emitter import Stats, UsageEmitter


def test_what_is_emitted_is_acknowledged(registry: Registry) -> None:
    emitter = UsageEmitter(NOWHERE, registry.url, kafka_config=MOCK)
    for _ in range(500):
        emitter.emit(vad(), session_id="s", account_id="a", attributes={"k": "v"})
    assert emitter.flush(20)
    assert emitter.stats == Stats(sent=500, failed=0, dropped=0)
    asyncio.run(emitter.aclose())
    assert registry.requests == ["/subjects/agent-metrics-value/versions?normalize=False"]


def test_threads_may_share_an_emitter(registry: Registry) -> None:
    emitter = UsageEmitter(NOWHERE, registry.url, kafka_config=MOCK)

    def emit() -> None:
        for _ in range(500):
            emitter.emit(vad(), session_id="s")

    threads = [threading.Thread(target=emit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert emitter.flush(20)
    assert emitter.stats == Stats(sent=2_000, failed=0, dropped=0)


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


def test_a_label_that_is_not_text_does_not_cost_the_usage(registry: Registry) -> None:
    emitter = UsageEmitter(NOWHERE, registry.url, kafka_config=MOCK)
    wrong = {"account_id": 42, "attributes": {"room": None, 1: 2.5}}
    emitter.emit(vad(), session_id="s", **wrong)  # type: ignore[arg-type]
    assert emitter.flush(20)
    assert emitter.stats == Stats(sent=1, failed=0, dropped=0)


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
    assert "1 usage events were not acknowledged in time and are lost" in caplog.text
    emitter.emit(vad(), session_id="s")
    assert emitter.stats == Stats(sent=0, failed=0, dropped=2)


def test_a_setting_that_librdkafka_does_not_know_is_named_at_once(registry: Registry) -> None:
    with pytest.raises(Exception, match="no_such_setting"):
        UsageEmitter(NOWHERE, registry.url, kafka_config={"no_such_setting": 1})


def test_options_add_to_the_settings_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, registry: Registry
) -> None:
    monkeypatch.setenv("KAFKA_BROKERS", NOWHERE)
    monkeypatch.setenv("KAFKA_TOPICS", "one")
    monkeypatch.setenv("SCHEMA_REGISTRY_URL", registry.url)
    monkeypatch.setenv("SCHEMA_REGISTRY_USERNAME", "u")
    monkeypatch.setenv("SCHEMA_REGISTRY_PASSWORD", "p")
    emitter = UsageEmitter.from_env(kafka_config=MOCK, registry_config={"timeout": 5})
    emitter.emit(vad(), session_id="s")
    assert emitter.flush(20)
    assert registry.requests == ["/subjects/one-value/versions?normalize=False"]
    assert registry.authorization == "Basic dTpw"
