"""Events that wait to be sent, bounded by bytes."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

OVERHEAD_BYTES = 200
"""What CPython takes for an event beyond its key and body: two bytes objects, an Event, a slot."""


@dataclass(frozen=True, slots=True)
class Event:
    """An encoded event of one session."""

    key: bytes
    body: bytes

    @property
    def size(self) -> int:
        """Bytes that it counts for."""
        return len(self.key) + len(self.body) + OVERHEAD_BYTES


class Buffer:
    """A queue that drops its oldest events rather than grow beyond `max_bytes`. Not thread-safe."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._events: deque[Event] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._events)

    def add(self, event: Event, in_flight_bytes: int = 0) -> int:
        """Appends `event`; returns how many were dropped for it, itself too if it is too large.

        `in_flight_bytes` are held elsewhere and count towards the bound.
        """
        self._events.append(event)
        self._bytes += event.size
        dropped = 0
        while self._events and self._bytes + in_flight_bytes > self._max_bytes:
            self._bytes -= self._events.popleft().size
            dropped += 1
        return dropped

    def put_back(self, events: Sequence[Event]) -> None:
        """Returns events, oldest first, that were taken and not sent: they are the oldest again."""
        self._events.extendleft(reversed(events))
        self._bytes += sum(event.size for event in events)

    def take(self) -> Event:
        """Removes the oldest event. Raises IndexError when there is none."""
        event = self._events.popleft()
        self._bytes -= event.size
        return event

    def clear(self) -> int:
        """Removes all events; returns how many there were."""
        count = len(self._events)
        self._events.clear()
        self._bytes = 0
        return count
