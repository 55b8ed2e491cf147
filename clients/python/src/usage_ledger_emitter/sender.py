"""What the thread of an emitter does: hands events to librdkafka and hears what became of them."""

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from confluent_kafka import KafkaError, KafkaException

from .outbox import Outbox
from .wire import frame

logger = logging.getLogger("usage_ledger_emitter")

POLL_S = 0.05
IDLE_POLL_S = 1.0
RETRY_S = 1.0
PROBE_TIMEOUT_S = 1.0
STALL_S = 2.0
"""Without an answer for so long, no more is handed over: there it could no longer be dropped."""
WARN_EVERY_S = 60.0
IN_FLIGHT_BYTES = 1_048_576
BURST = 100
"""Events handed over before the interpreter lock is released: less than a millisecond."""

# Refused for what they are: sending them again cannot help.
_PERMANENT = frozenset(
    (
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.INVALID_MSG,
        KafkaError.INVALID_MSG_SIZE,
        KafkaError.INVALID_RECORD,
    )
)


class Sender:
    """Sends what is in the outbox until that is closed. Used by one thread.

    Events are handed to librdkafka only while a broker answers, so that beyond the bound of the
    outbox it is the oldest that are dropped. A producer with a fatal error (idempotence cannot be
    guaranteed any more) is replaced and what it held is sent again: a repetition is harmless.
    """

    def __init__(
        self,
        outbox: Outbox,
        topic: str,
        make_producer: Callable[[Callable[[KafkaError], None]], Any],
        schema_id: Callable[[], int],
    ) -> None:
        self._outbox = outbox
        self._topic = topic
        self._make_producer = make_producer
        self._schema_id = schema_id
        self._producer = make_producer(self._on_error)
        self._is_reachable = False
        self._is_fatal = False
        self._warn_at = 0.0

    def run(self) -> None:
        """Returns when the outbox is closed."""
        while self._outbox.wait_for_work(IDLE_POLL_S):
            try:
                self._step()
            except Exception as error:
                # What librdkafka has to say, such as a refused password, is the better reason.
                if self._producer is not None:
                    self._producer.poll(0)
                self._warn(error)
                self._is_reachable = False
                self._outbox.pause(RETRY_S)
        self._discard()

    def _step(self) -> None:
        if self._producer is None:
            self._producer = self._make_producer(self._on_error)
            self._is_fatal = False
        if self._outbox.is_idle:
            # Errors would pile up in librdkafka's queue.
            self._producer.poll(0)
            return
        schema_id = self._schema_id()
        if not self._is_reachable and not self._outbox.has_in_flight:
            # Raises unless a broker answers. A topic that does not exist is made by producing.
            self._producer.list_topics(self._topic, timeout=PROBE_TIMEOUT_S)
            self._is_reachable = True
        has_more = self._hand_over(schema_id)
        self._producer.poll(0.001 if has_more else POLL_S)
        if self._is_fatal:
            self._discard()
            self._is_reachable = False
        elif self._outbox.requeue():
            self._is_reachable = False
            self._outbox.pause(RETRY_S)

    def _hand_over(self, schema_id: int) -> bool:
        for _ in range(BURST):
            if self._outbox.unanswered_s() > STALL_S:
                return False
            taken = self._outbox.take(IN_FLIGHT_BYTES)
            if taken is None:
                return False
            number, event = taken
            try:
                self._producer.produce(
                    self._topic,
                    key=event.key,
                    value=frame(schema_id, event.body),
                    on_delivery=partial(self._on_delivery, number),
                )
            except KafkaException as error:
                self._on_delivery(number, error.args[0])
                return False
            except Exception:
                # BufferError: librdkafka's own queue is full.
                self._outbox.give_back(number)
                raise
        return True

    def _on_delivery(self, number: int, error: KafkaError | None, _message: Any = None) -> None:
        if error is None:
            self._outbox.acknowledge(number)
            self._warn_at = 0.0
        elif error.code() in _PERMANENT:
            self._outbox.reject(number)
            logger.error("a usage event was refused and is lost: %s", error)
        else:
            self._outbox.give_back(number)
            self._on_error(error)

    def _on_error(self, error: KafkaError) -> None:
        if error.fatal() or error.code() == KafkaError._FATAL:
            self._is_fatal = True
        self._warn(error)

    def _discard(self) -> None:
        """Takes back what the producer has not delivered, and ends it."""
        if self._producer is not None:
            self._producer.purge()
            self._producer.poll(0)
        self._outbox.requeue(everything=True)
        self._producer = None

    def _warn(self, error: object) -> None:
        now = time.monotonic()
        if now >= self._warn_at:
            self._warn_at = now + WARN_EVERY_S
            logger.warning("usage events wait to be sent: %s", error)
