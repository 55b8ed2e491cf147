"""Notices models that two sessions share."""

import logging
import threading
import weakref
from collections import OrderedDict
from typing import Any

logger = logging.getLogger("usage_ledger_emitter")

_REMEMBERED = 256


class SharedMetrics:
    """Notices a metric that reaches two sessions, and warns of it once.

    A model that two sessions share reports each request to both of them: both calls are
    billed for it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: OrderedDict[int, tuple[weakref.ref[Any], str]] = OrderedDict()
        self._has_warned = False

    def note(self, metric: Any, session_id: str) -> None:
        """Takes note of a metric that arrived through a session. Never raises."""
        try:
            reference = weakref.ref(metric)
        except TypeError:
            # A dict: nothing that LiveKit hands to two sessions.
            return
        with self._lock:
            seen = self._seen.pop(id(metric), None)
            self._seen[id(metric)] = (reference, session_id)
            if len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
            if seen is None or seen[0]() is not metric or seen[1] == session_id or self._has_warned:
                return
            self._has_warned = True
        logger.warning(
            "sessions %s and %s receive the same metrics: they share a model, and what it "
            "reports is counted for both; give each session a model of its own",
            seen[1],
            session_id,
        )
