"""The bound of the buffer holds, and the oldest go first."""

import sys

from usage_ledger_emitter.buffer import OVERHEAD_BYTES, Buffer, Event

SIZE = OVERHEAD_BYTES + 2


def event(name: str) -> Event:
    return Event(b"k", name.encode())


def bodies(buffer: Buffer) -> bytes:
    return b"".join(buffer.take().body for _ in range(len(buffer)))


def test_the_oldest_are_dropped_when_the_bound_is_reached() -> None:
    buffer = Buffer(max_bytes=3 * SIZE)
    assert [buffer.add(event(name)) for name in "abcde"] == [0, 0, 0, 1, 1]
    assert bodies(buffer) == b"cde"


def test_what_is_in_flight_counts_towards_the_bound() -> None:
    buffer = Buffer(max_bytes=3 * SIZE)
    assert buffer.add(event("a"), in_flight_bytes=2 * SIZE) == 0
    assert buffer.add(event("b"), in_flight_bytes=2 * SIZE) == 1
    assert bodies(buffer) == b"b"


def test_an_event_larger_than_the_buffer_is_dropped_itself() -> None:
    buffer = Buffer(max_bytes=SIZE)
    assert buffer.add(Event(b"k", b"x" * SIZE)) == 1
    assert len(buffer) == 0


def test_what_is_put_back_is_the_oldest_again_in_its_old_order() -> None:
    buffer = Buffer(max_bytes=10 * SIZE)
    for name in "abc":
        buffer.add(event(name))
    buffer.put_back([buffer.take(), buffer.take()])
    assert bodies(buffer) == b"abc"


def test_the_overhead_covers_the_objects_of_an_event() -> None:
    item = Event(b"k", b"v")
    objects = sys.getsizeof(item) + sys.getsizeof(item.key) + sys.getsizeof(item.body)
    slot_and_rounding = 8 + 3 * 16
    assert objects - len(item.key) - len(item.body) + slot_and_rounding <= OVERHEAD_BYTES
