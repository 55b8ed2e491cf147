"""The thread that sends events: whatever brokers and registry do, the caller is never held up."""

import logging
import threading
import time
from functools import partial
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from .buffer import Buffer, Event
from .schema_id import SchemaIdLookup
from .stats import Stats
from .wire import frame

logger = logging.getLogger("usage_ledger_emitter")

POLL_S = 0.05
RETRY_S = 1.0
IN_FLIGHT_BYTES = 1_048_576
"""Handed to librdkafka at most: from there nothing can be dropped for what is newer."""

# Refused for what they are: sending them again cannot help.
_PERMANENT = frozenset(
    (
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.INVALID_MSG,
        KafkaError.INVALID_MSG_SIZE,
        KafkaError.INVALID_RECORD,
    )
)


class Delivery:
    """Takes encoded events and sends them in a thread of its own, until it is closed.

    An event stays here until a broker has acknowledged it; what cannot be sent now is sent
    later, and beyond `max_bytes` the oldest are dropped.
    """

    def __init__(
        self,
        topic: str,
        producer_config: dict[str, Any],
        schema_id: SchemaIdLookup,
        max_bytes: int,
    ) -> None:
        self._topic = topic
        self._producer_config = producer_config
        self._schema_id = schema_id
        self._changed = threading.Condition()
        self._buffer = Buffer(max_bytes)
        self._in_flight = 0
        self._in_flight_bytes = 0
        self._sent = 0
        self._failed = 0
        self._dropped = 0
        self._is_closed = False
        self._retry_at = 0.0
        self._thread: threading.Thread | None = None

    @property
    def stats(self) -> Stats:
        """What became of the events so far."""
        with self._changed:
            return Stats(self._sent, self._failed, self._dropped)

    def add(self, event: Event) -> None:
        """Queues an event; takes microseconds. After `close` it is counted as dropped."""
        with self._changed:
            if self._is_closed:
                self._dropped += 1
                return
            dropped = self._buffer.add(event, self._in_flight_bytes)
            if dropped and not self._dropped:
                logger.warning("the buffer of usage events is full: dropping the oldest")
            self._dropped += dropped
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="usage-ledger-emitter", daemon=True
                )
                self._thread.start()
            self._changed.notify_all()

    def fail(self) -> None:
        """Counts an event that could not be encoded."""
        with self._changed:
            self._failed += 1

    def flush(self, timeout_s: float) -> bool:
        """Waits until nothing is left to send; False when the time was not enough."""
        with self._changed:
            return self._changed.wait_for(self._is_idle, timeout_s)

    def close(self, timeout_s: float) -> int:
        """Sends what it can in that time and ends; returns how many events were left."""
        self.flush(timeout_s)
        with self._changed:
            if self._is_closed:
                return 0
            self._is_closed = True
            left = self._buffer.clear() + self._in_flight
            self._dropped += left
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(timeout=2 * POLL_S + 1)
        return left

    def _is_idle(self) -> bool:
        return len(self._buffer) == 0 and self._in_flight == 0

    def _run(self) -> None:
        producer: Producer | None = None
        while not self._is_closed:
            with self._changed:
                self._changed.wait_for(lambda: self._is_closed or not self._is_idle())
            if self._is_closed:
                break
            try:
                schema_id = self._schema_id.get()
                producer = producer or Producer(self._producer_config)
                self._send(producer, schema_id)
                producer.poll(POLL_S)
            except Exception as error:
                logger.warning("usage events wait: %s", error)
                if isinstance(error, KafkaException) and error.args[0].fatal():
                    producer = None
                self._pause(RETRY_S)
        if producer is not None:
            producer.purge()

    def _send(self, producer: Producer, schema_id: int) -> None:
        while True:
            with self._changed:
                if (
                    len(self._buffer) == 0
                    or self._in_flight_bytes >= IN_FLIGHT_BYTES
                    or time.monotonic() < self._retry_at
                ):
                    return
                event = self._buffer.take()
                self._in_flight += 1
                self._in_flight_bytes += event.size
            try:
                producer.produce(
                    self._topic,
                    key=event.key,
                    value=frame(schema_id, event.body),
                    on_delivery=partial(self._settle, event),
                )
            except BufferError:
                self._settle(event, KafkaError(KafkaError._QUEUE_FULL))
                return
            except KafkaException as error:
                self._settle(event, error.args[0])
                raise

    def _settle(self, event: Event, error: KafkaError | None, _: Message | None = None) -> None:
        with self._changed:
            self._in_flight -= 1
            self._in_flight_bytes -= event.size
            if self._is_closed:
                # Counted as dropped already, unless it arrived after all.
                if error is None:
                    self._sent += 1
                    self._dropped -= 1
            elif error is None:
                self._sent += 1
            elif error.code() in _PERMANENT:
                self._failed += 1
                logger.error("a usage event was refused: %s", error)
            else:
                self._buffer.put_back(event)
                if time.monotonic() >= self._retry_at:
                    logger.warning("usage events wait: %s", error)
                self._retry_at = time.monotonic() + RETRY_S
            self._changed.notify_all()

    def _pause(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed, seconds)
