"""A session is followed until it is closed, whatever it does."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import Registry
from livekit.agents import metrics
from samples import MOCK, NOWHERE, vad

from usage_ledger_emitter import Stats, UsageEmitter


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

    def count(self) -> None:
        """Tells the handlers what was counted so far."""
        item = metrics.InterruptionModelUsage(provider="livekit", model="m", total_requests=3)
        usage = SimpleNamespace(model_usage=[item])
        self.emit("session_usage_updated", SimpleNamespace(usage=usage))


def attached(registry: Registry, **options: Any) -> tuple[UsageEmitter, Session]:
    emitter = UsageEmitter(NOWHERE, registry.url, kafka_config=MOCK, **options)
    session = Session()
    emitter.attach(session, session_id="s", account_id="a")
    return emitter, session


def test_a_session_is_followed_and_its_own_count_sent_once_when_it_closes(
    registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    emitter, session = attached(registry)
    assert "deprecated" not in caplog.text
    session.emit("metrics_collected", SimpleNamespace(metrics=vad()))
    session.count()
    session.count()
    session.emit("close", SimpleNamespace(reason="user_initiated"))
    session.emit("close", SimpleNamespace(reason="user_initiated"))
    assert emitter.flush(20)
    assert emitter.stats == Stats(sent=2, failed=0, dropped=0)
    with pytest.raises(ValueError, match="session_id must not be empty"):
        emitter.attach(session, session_id="")


def test_a_session_that_closes_while_aclose_runs_is_reported(registry: Registry) -> None:
    """LiveKit runs all shutdown callbacks at once, the closing of the session among them."""
    emitter, session = attached(registry, close_timeout_s=30)

    async def shut_down() -> None:
        closing = asyncio.create_task(emitter.aclose())
        await asyncio.sleep(0.2)
        assert not closing.done()
        session.emit("close", SimpleNamespace())
        await closing

    session.count()
    asyncio.run(shut_down())
    assert emitter.stats == Stats(sent=1, failed=0, dropped=0)


def test_a_session_that_never_closes_is_reported_by_aclose(registry: Registry) -> None:
    emitter, session = attached(registry, close_timeout_s=8)
    session.count()
    asyncio.run(emitter.aclose())
    assert emitter.stats == Stats(sent=1, failed=0, dropped=0)


def test_handlers_raise_nothing_whatever_the_event_is(registry: Registry) -> None:
    emitter, session = attached(registry)
    for argument in (None, object(), SimpleNamespace(metrics=None), SimpleNamespace(usage=3)):
        for event in ("metrics_collected", "session_usage_updated", "close"):
            session.emit(event, argument)
    assert emitter.flush(20)
    assert emitter.stats == Stats(sent=0, failed=4, dropped=0)


def test_a_metric_that_reaches_two_sessions_is_warned_of_once(
    registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    emitter = UsageEmitter(NOWHERE, registry.url, kafka_config=MOCK)
    sessions = [Session(), Session()]
    for i, session in enumerate(sessions):
        emitter.attach(session, session_id=f"s{i}")
    for _ in range(3):
        metric = metrics.VADMetrics(**{k: v for k, v in vad().items() if k != "type"})
        for session in sessions:
            session.emit("metrics_collected", SimpleNamespace(metrics=metric))
    assert caplog.text.count("they share a model") == 1
    assert "sessions s0 and s1" in caplog.text
    assert emitter.flush(20)
    assert emitter.stats.sent == 6
