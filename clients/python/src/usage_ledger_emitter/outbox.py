"""The events of an emitter, waiting and in flight, and what became of the others."""

import threading
import time

from .buffer import Buffer, Event
from .stats import Stats


class Outbox:
    """Shared by the threads that emit and the one that sends.

    Every event added ends as exactly one of sent, failed or dropped. What is in flight is never
    dropped for what is newer, since a broker may have written it already, but counts towards
    `max_bytes`. No method waits for anything but the lock, except where it says so.
    """

    def __init__(self, max_bytes: int) -> None:
        self._changed = threading.Condition()
        self._buffer = Buffer(max_bytes)
        self._in_flight: dict[int, Event] = {}
        self._in_flight_bytes = 0
        self._refused_for_now: set[int] = set()
        self._last_number = 0
        self._answered_at = 0.0
        self._sent = 0
        self._failed = 0
        self._dropped = 0
        self._is_closed = False

    @property
    def stats(self) -> Stats:
        """What became of the events so far."""
        with self._changed:
            return Stats(self._sent, self._failed, self._dropped)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is left to send."""
        return len(self._buffer) == 0 and not self._in_flight

    @property
    def has_in_flight(self) -> bool:
        """Whether events were taken of which nothing is known yet."""
        return bool(self._in_flight)

    def add(self, event: Event) -> bool:
        """Queues an event; True when others were dropped for it, for the first time."""
        with self._changed:
            if self._is_closed:
                self._dropped += 1
                return False
            is_first = self._dropped == 0
            dropped = self._buffer.add(event, self._in_flight_bytes)
            self._dropped += dropped
            self._changed.notify_all()
            return is_first and dropped > 0

    def fail(self) -> None:
        """Counts an event that could not be encoded."""
        with self._changed:
            self._failed += 1

    def take(self, max_in_flight_bytes: int) -> tuple[int, Event] | None:
        """The oldest event and a number to settle it by; None while there is none or no room."""
        with self._changed:
            if len(self._buffer) == 0 or self._in_flight_bytes >= max_in_flight_bytes:
                return None
            event = self._buffer.take()
            if not self._in_flight:
                self._answered_at = time.monotonic()
            self._last_number += 1
            self._in_flight[self._last_number] = event
            self._in_flight_bytes += event.size
            return self._last_number, event

    def unanswered_s(self) -> float:
        """Seconds since the last answer about what is in flight; 0 when nothing is."""
        with self._changed:
            return time.monotonic() - self._answered_at if self._in_flight else 0.0

    def acknowledge(self, number: int) -> None:
        """A broker has written the event."""
        with self._changed:
            if self._settle(number):
                self._sent += 1

    def reject(self, number: int) -> None:
        """The event can never be sent."""
        with self._changed:
            if self._settle(number):
                self._failed += 1

    def give_back(self, number: int) -> None:
        """The event was not sent; `requeue` returns it to the queue."""
        with self._changed:
            self._answered_at = time.monotonic()
            self._refused_for_now.add(number)

    def requeue(self, *, everything: bool = False) -> bool:
        """Returns what was given back, or all that is in flight, to the queue in its old order."""
        with self._changed:
            numbers = list(self._in_flight) if everything else sorted(self._refused_for_now)
            self._refused_for_now.clear()
            events = [event for n in numbers if (event := self._in_flight.pop(n, None))]
            self._in_flight_bytes -= sum(event.size for event in events)
            if self._is_closed:
                self._dropped += len(events)
            else:
                self._buffer.put_back(events)
            self._changed.notify_all()
            return bool(events)

    def wait_for_work(self, timeout_s: float) -> bool:
        """Waits until there is something to send, `timeout_s` at most; False once closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or not self.is_idle, timeout_s)
            return not self._is_closed

    def pause(self, seconds: float) -> None:
        """Waits, or until it is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed, seconds)

    def wait_until_idle(self, timeout_s: float) -> bool:
        """Waits until nothing is left to send; False when the time was not enough."""
        with self._changed:
            return self._changed.wait_for(lambda: self.is_idle, timeout_s)

    def close(self) -> int:
        """Drops what waits and accepts nothing more; returns how many events were unsettled."""
        with self._changed:
            self._is_closed = True
            waiting = self._buffer.clear()
            self._dropped += waiting
            self._changed.notify_all()
            return waiting + len(self._in_flight)

    def _settle(self, number: int) -> bool:
        # Answers about events that were requeued meanwhile are late, and ignored.
        event = self._in_flight.pop(number, None)
        if event is None:
            return False
        self._in_flight_bytes -= event.size
        self._answered_at = time.monotonic()
        self._changed.notify_all()
        return True
