"""The thread that sends events: whatever brokers and registry do, the caller is never held up."""

import asyncio
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable
from multiprocessing import util

from .buffer import Event
from .outbox import Outbox
from .sender import Sender
from .stats import Stats

logger = logging.getLogger("usage_ledger_emitter")

JOIN_S = 1.5
POLL_S = 0.01


class Delivery:
    """Takes encoded events and sends them in a thread of its own, until it is closed.

    In a forked child it starts empty, with a thread of the child's own: what the parent holds,
    the parent sends.
    """

    def __init__(
        self, max_bytes: int, close_timeout_s: float, make_sender: Callable[[Outbox], Sender]
    ) -> None:
        self._max_bytes = max_bytes
        self._close_timeout_s = close_timeout_s
        self._make_sender = make_sender
        self._forget_parent()
        _all.add(self)

    def _forget_parent(self) -> None:
        self._outbox = Outbox(self._max_bytes)
        self._start_lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._at_exit: util.Finalize | None = None

    @property
    def stats(self) -> Stats:
        """What became of the events so far."""
        return self._outbox.stats

    def start(self) -> None:
        """Starts the thread, unless it runs.

        Takes milliseconds the first time. Raises KafkaException for settings that librdkafka
        does not accept.
        """
        if self._thread is not None:
            return
        with self._start_lock:
            if self._thread is None:
                thread = threading.Thread(
                    target=_run, args=([self._make_sender(self._outbox)],), daemon=True
                )
                thread.name = "usage-ledger-emitter"
                thread.start()
                self._thread = thread
                # Unlike `atexit`, this runs in children of multiprocessing too, as the processes
                # of LiveKit jobs are.
                self._at_exit = util.Finalize(None, self._close_at_exit, exitpriority=10)

    def add(self, event: Event) -> None:
        """Queues an event; takes microseconds. After `close` it is counted as dropped."""
        self.start()
        if self._outbox.add(event):
            logger.warning("the buffer of usage events is full: the oldest are dropped")

    def fail(self) -> None:
        """Counts an event that could not be encoded."""
        self._outbox.fail()

    def flush(self, timeout_s: float) -> bool:
        """Waits until nothing is left to send; False when the time was not enough."""
        return self._outbox.wait_until_idle(timeout_s)

    async def aclose(self, timeout_s: float) -> None:
        """Sends what it can in that time, then ends and logs how many events were dropped."""
        await _until(lambda: self._outbox.is_idle, timeout_s)
        thread = self._thread
        left = self._outbox.close()
        await _until(lambda: thread is None or not thread.is_alive(), JOIN_S)
        self._finish(left)

    def _close_at_exit(self) -> None:
        self._outbox.wait_until_idle(self._close_timeout_s)
        left = self._outbox.close()
        if self._thread is not None:
            self._thread.join(JOIN_S)
        self._finish(left)

    def _finish(self, left: int) -> None:
        # In flight still: the thread is in a request that takes longer.
        self._outbox.requeue(everything=True)
        if self._at_exit is not None:
            self._at_exit.cancel()
        if left:
            logger.error("%d usage events were not acknowledged in time and are lost", left)


def _run(senders: list[Sender]) -> None:
    # A producer of librdkafka ends in the thread that used it, and never in a forked child.
    senders.pop().run()


async def _until(is_true: Callable[[], bool], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not is_true() and time.monotonic() < deadline:
        await asyncio.sleep(POLL_S)


_all: "weakref.WeakSet[Delivery]" = weakref.WeakSet()


def _after_fork() -> None:
    for delivery in list(_all):
        delivery._forget_parent()


os.register_at_fork(after_in_child=_after_fork)
