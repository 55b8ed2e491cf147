"""What becomes of events whose producer fails, stalls or is refused: none is lost or left over."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from usage_ledger_emitter import Stats, sender
from usage_ledger_emitter.buffer import Event
from usage_ledger_emitter.outbox import Outbox
from usage_ledger_emitter.sender import Sender

Answer = Callable[[KafkaError | None], None]


@dataclass
class Producer:
    """Answers as the test says: with an error per body, or not at all."""

    errors: dict[bytes, list[KafkaError]] = field(default_factory=dict)
    is_silent: bool = False
    is_reachable: bool = True
    sent: list[bytes] = field(default_factory=list)
    failure: KafkaError | None = None
    on_error: Callable[[KafkaError], None] = print
    _waiting: list[tuple[bytes, Answer]] = field(default_factory=list)

    def list_topics(self, topic: str, timeout: float) -> None:
        if not self.is_reachable:
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))

    def produce(self, topic: str, *, key: bytes, value: bytes, on_delivery: Any) -> None:
        self._waiting.append((value[5:], lambda error: on_delivery(error, None)))

    def poll(self, timeout: float) -> None:
        if self.failure is not None:
            self.on_error(self.failure)
        if self.is_silent:
            time.sleep(timeout)
            return
        waiting, self._waiting = self._waiting, []
        for body, answer in waiting:
            errors = self.errors.get(body)
            if not errors:
                self.sent.append(body)
            answer(errors.pop(0) if errors else None)

    def purge(self) -> None:
        self._waiting.clear()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Outbox]]:
    monkeypatch.setattr(sender, "RETRY_S", 0.01)
    monkeypatch.setattr(sender, "STALL_S", 0.05)
    started: list[tuple[Outbox, threading.Thread]] = []

    def start(*producers: Producer | None, max_bytes: int = 1_000_000) -> Outbox:
        outbox = Outbox(max_bytes)
        left = list(producers)

        def make(on_error: Callable[[KafkaError], None]) -> Producer:
            producer = left.pop(0)
            if producer is None:
                raise KafkaException(KafkaError(KafkaError._CRIT_SYS_RESOURCE))
            producer.on_error = on_error
            return producer

        made = Sender(outbox, "t", make, lambda: 7)
        thread = threading.Thread(target=made.run)
        thread.start()
        started.append((outbox, thread))
        return outbox

    yield start
    for outbox, thread in started:
        outbox.close()
        thread.join(5)
        assert not thread.is_alive()


def add(outbox: Outbox, names: str) -> None:
    for name in names:
        outbox.add(Event(b"s", name.encode()))


def test_what_fails_for_now_is_sent_again_in_its_old_order(run: Callable[..., Outbox]) -> None:
    transport = KafkaError(KafkaError._MSG_TIMED_OUT)
    producer = Producer({b"a": [transport], b"b": [transport], b"c": [transport, transport]})
    outbox = run(producer)
    add(outbox, "abcd")
    assert outbox.wait_until_idle(10)
    assert outbox.stats == Stats(sent=4, failed=0, dropped=0)
    assert b"".join(producer.sent).replace(b"d", b"") == b"abc"


def test_what_is_refused_for_what_it_is_fails_and_the_rest_is_sent(
    run: Callable[..., Outbox],
) -> None:
    outbox = run(Producer({b"b": [KafkaError(KafkaError.MSG_SIZE_TOO_LARGE)]}))
    add(outbox, "abc")
    assert outbox.wait_until_idle(10)
    assert outbox.stats == Stats(sent=2, failed=1, dropped=0)


def test_a_producer_with_a_fatal_error_is_replaced_and_what_it_held_sent_by_the_next(
    run: Callable[..., Outbox],
) -> None:
    broken = Producer({b"a": [KafkaError(KafkaError._FATAL)]})
    following = Producer()
    # The second one cannot be made at the first attempt.
    outbox = run(broken, None, following)
    add(outbox, "a")
    assert outbox.wait_until_idle(10)
    add(outbox, "bc")
    assert outbox.wait_until_idle(10)
    assert outbox.stats == Stats(sent=3, failed=0, dropped=0)
    assert following.sent == [b"a", b"b", b"c"]


def test_no_more_is_handed_over_while_nothing_is_answered(run: Callable[..., Outbox]) -> None:
    producer = Producer(is_silent=True)
    outbox = run(producer, max_bytes=5 * 202)
    add(outbox, "a")
    while outbox.unanswered_s() < 0.1:
        time.sleep(0.01)
    add(outbox, "bcdefgh")
    producer.is_silent = False
    assert outbox.wait_until_idle(10)
    # `a` may be written already; of the others the oldest went first.
    assert b"".join(producer.sent) == b"aefgh"
    assert outbox.stats == Stats(sent=5, failed=0, dropped=3)


def test_nothing_is_handed_over_until_a_broker_answers(run: Callable[..., Outbox]) -> None:
    producer = Producer(is_reachable=False)
    outbox = run(producer, max_bytes=3 * 202)
    add(outbox, "abcdef")
    assert not outbox.wait_until_idle(0.1)
    producer.is_reachable = True
    assert outbox.wait_until_idle(10)
    assert producer.sent == [b"d", b"e", b"f"]
    assert outbox.stats == Stats(sent=3, failed=0, dropped=3)


def test_what_is_in_flight_at_the_end_is_dropped(run: Callable[..., Outbox]) -> None:
    outbox = run(Producer(is_silent=True))
    add(outbox, "abc")
    while not outbox.has_in_flight:
        time.sleep(0.01)
    assert outbox.close() == 3
    assert outbox.wait_until_idle(10)
    assert outbox.stats == Stats(sent=0, failed=0, dropped=3)


def test_why_events_wait_is_said_once_with_the_reason_of_librdkafka(
    run: Callable[..., Outbox], caplog: pytest.LogCaptureFixture
) -> None:
    refused = KafkaError(KafkaError._AUTHENTICATION, "the password is wrong")
    outbox = run(Producer(is_reachable=False, failure=refused))
    add(outbox, "a")
    assert not outbox.wait_until_idle(0.2)
    (said,) = [r.getMessage() for r in caplog.records]
    assert "usage events wait to be sent" in said
    assert "the password is wrong" in said
