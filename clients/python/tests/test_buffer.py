"""The bound of the buffer holds, and the oldest go first."""

from usage_ledger_emitter.buffer import OVERHEAD_BYTES, Buffer, Event

SIZE = OVERHEAD_BYTES + 2


def event(name: str) -> Event:
    return Event(b"k", name.encode())


def test_the_oldest_are_dropped_when_the_bound_is_reached() -> None:
    buffer = Buffer(max_bytes=3 * SIZE)
    assert [buffer.add(event(name)) for name in "abcde"] == [0, 0, 0, 1, 1]
    assert [buffer.take().body for _ in range(len(buffer))] == [b"c", b"d", b"e"]


def test_what_is_in_flight_counts_towards_the_bound() -> None:
    buffer = Buffer(max_bytes=3 * SIZE)
    assert buffer.add(event("a"), in_flight_bytes=2 * SIZE) == 0
    assert buffer.add(event("b"), in_flight_bytes=2 * SIZE) == 1
    assert buffer.take().body == b"b"


def test_an_event_larger_than_the_buffer_is_dropped_itself() -> None:
    buffer = Buffer(max_bytes=SIZE)
    assert buffer.add(Event(b"k", b"x" * SIZE)) == 1
    assert len(buffer) == 0


def test_what_is_put_back_is_the_oldest_again() -> None:
    buffer = Buffer(max_bytes=10 * SIZE)
    for name in "ab":
        buffer.add(event(name))
    buffer.put_back(buffer.take())
    assert buffer.take().body == b"a"
