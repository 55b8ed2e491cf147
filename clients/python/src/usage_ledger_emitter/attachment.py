"""What is listened to on an agent session."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .shared_metrics import SharedMetrics
from .wire import as_dict

logger = logging.getLogger("usage_ledger_emitter")


class Attachment:
    """Sends the metrics of one session, and what the session counted itself when it closes."""

    def __init__(self, send: Callable[[Any], None], session_id: str, shared: SharedMetrics) -> None:
        self._send = send
        self._session_id = session_id
        self._shared = shared
        self._usage: Any = None

    @property
    def is_open(self) -> bool:
        """Whether the session has counted usage that was not reported yet."""
        return self._usage is not None

    def listen(self, session: Any) -> None:
        """Registers the handlers on `session`."""
        # Deprecated since livekit-agents 1.5, and the only event there is for each metric.
        with _without_deprecation_warning():
            session.on("metrics_collected", self._on_metrics)
        session.on("session_usage_updated", self._on_usage)
        session.on("close", self._on_close)

    def report(self) -> None:
        """Sends the last count of the session, unless it was sent. Never raises."""
        usage, self._usage = self._usage, None
        if usage is None:
            return
        try:
            model_usage = [as_dict(item) for item in usage.model_usage]
        except Exception as error:
            logger.error("session %s: its usage cannot be reported: %s", self._session_id, error)
            return
        self._send(
            {"type": "session_usage_report", "timestamp": time.time(), "model_usage": model_usage}
        )

    def _on_metrics(self, event: Any) -> None:
        metric = getattr(event, "metrics", event)
        self._shared.note(metric, self._session_id)
        self._send(metric)

    def _on_usage(self, event: Any) -> None:
        self._usage = getattr(event, "usage", None)

    def _on_close(self, _event: Any = None) -> None:
        self.report()


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
