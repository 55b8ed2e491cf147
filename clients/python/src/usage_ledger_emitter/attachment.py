"""What is listened to on an agent session."""

import logging
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

logger = logging.getLogger("usage_ledger_emitter")

_REMEMBERED = 256


class SharedMetrics:
    """Notices a metric that reaches two sessions, and warns of it once.

    A model that two sessions share reports each request to both of them: both calls are
    billed for it.
    """

    def __init__(self) -> None:
        self._seen: OrderedDict[int, tuple[weakref.ref[Any], str]] = OrderedDict()
        self._has_warned = False

    def note(self, metric: Any, session_id: str) -> None:
        """Takes note of a metric that arrived through a session."""
        seen = self._seen.get(id(metric))
        if seen is not None and seen[0]() is metric and seen[1] != session_id:
            self._warn(seen[1], session_id)
        try:
            self._seen[id(metric)] = (weakref.ref(metric), session_id)
        except TypeError:
            return
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)

    def _warn(self, one: str, other: str) -> None:
        if self._has_warned:
            return
        self._has_warned = True
        logger.warning(
            "sessions %s and %s receive the same metrics: they share a model, and what it "
            "reports is counted for both; give each session a model of its own",
            one,
            other,
        )


class Attachment:
    """Sends the metrics of one session, and what the session counted itself when it closes."""

    def __init__(self, send: Callable[[Any], None], session_id: str, shared: SharedMetrics) -> None:
        self._send = send
        self._session_id = session_id
        self._shared = shared
        self._usage: Any = None

    def listen(self, session: Any) -> None:
        """Registers the handlers on `session`."""
        # Deprecated since livekit-agents 1.5, and the only event there is for each metric.
        with _without_deprecation_warning():
            session.on("metrics_collected", self._on_metrics)
        session.on("session_usage_updated", self._on_usage)
        session.on("close", self._on_close)

    def _on_metrics(self, event: Any) -> None:
        metric = getattr(event, "metrics", event)
        self._shared.note(metric, self._session_id)
        self._send(metric)

    def _on_usage(self, event: Any) -> None:
        self._usage = event.usage

    def _on_close(self, _event: Any) -> None:
        usage, self._usage = self._usage, None
        if usage is None:
            return
        model_usage = [item.model_dump() for item in usage.model_usage]
        self._send(
            {"type": "session_usage_report", "timestamp": time.time(), "model_usage": model_usage}
        )


@contextmanager
def _without_deprecation_warning() -> Iterator[None]:
    livekit = logging.getLogger("livekit.agents")

    def is_other(record: logging.LogRecord) -> bool:
        return "metrics_collected is deprecated" not in record.getMessage()

    livekit.addFilter(is_other)
    try:
        yield
    finally:
        livekit.removeFilter(is_other)
