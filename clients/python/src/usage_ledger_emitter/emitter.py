"""`UsageEmitter`: from the events of an agent session to a Kafka topic."""

import asyncio
import logging
import os
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from confluent_kafka import KafkaError, Producer

from .attachment import Attachment
from .buffer import Event
from .delivery import Delivery
from .outbox import Outbox
from .schema_id import SchemaIdLookup
from .sender import Sender
from .settings import read_environment
from .shared_metrics import SharedMetrics
from .stats import Stats
from .wire import as_dict, encode

logger = logging.getLogger("usage_ledger_emitter")

POLL_S = 0.01

_PRODUCER_CONFIG = {
    "enable.idempotence": True,
    "compression.type": "lz4",
    "linger.ms": 20,
    # An event is given up by the bound of the outbox, not by a clock.
    "message.timeout.ms": 0,
    # librdkafka prints twenty lines a second while it cannot connect; errors are logged by us.
    "log_level": 0,
}


class UsageEmitter:
    """Sends usage metrics to a Kafka topic in the background.

    Make it before the call begins, which takes some 50 ms. From then on nothing here blocks the
    event loop, raises into it or grows without bound: events wait in a buffer of
    `buffer_max_bytes` while brokers or registry are away, the oldest are dropped when it is full,
    and `stats` says what became of them. Sending an event twice is harmless: the ledger counts it
    once. Safe to use from several threads, and in a forked child, which starts empty.

    Args:
        brokers: `host:port`, several separated by commas or as a list.
        schema_registry_url: address of a registry with Confluent's API.
        topic: the topic; its subject is `<topic>-value`.
        buffer_max_bytes: bound of what waits, some 350 bytes per event; 16 MiB by default.
        close_timeout_s: seconds that `aclose` waits; LiveKit ends a job's process after 10.
        register_schema: whether the schema may be registered; if not, it must be there already.
        kafka_config: further settings of librdkafka, such as `sasl.username`.
        registry_config: further settings of confluent-kafka's `SchemaRegistryClient`.

    Raises KafkaException or ValueError for settings that those clients do not accept.
    """

    def __init__(
        self,
        brokers: str | Sequence[str],
        schema_registry_url: str,
        topic: str = "agent-metrics",
        *,
        buffer_max_bytes: int = 16 * 1_048_576,
        close_timeout_s: float = 5.0,
        register_schema: bool = True,
        kafka_config: Mapping[str, Any] | None = None,
        registry_config: Mapping[str, Any] | None = None,
    ) -> None:
        servers = brokers if isinstance(brokers, str) else ",".join(brokers)
        config = {"bootstrap.servers": servers, **_PRODUCER_CONFIG, **(kafka_config or {})}
        schema_id = SchemaIdLookup(
            {"url": schema_registry_url, **(registry_config or {})},
            f"{topic}-value",
            register_schema,
        )

        def make_producer(on_error: Callable[[KafkaError], None]) -> Producer:
            return Producer({**config, "error_cb": on_error})

        def make_sender(outbox: Outbox) -> Sender:
            return Sender(outbox, topic, make_producer, schema_id.get)

        self._close_timeout_s = close_timeout_s
        self._shared = SharedMetrics()
        self._attachments: weakref.WeakSet[Attachment] = weakref.WeakSet()
        self._delivery = Delivery(buffer_max_bytes, close_timeout_s, make_sender)
        self._delivery.start()

    @classmethod
    def from_env(cls, **options: Any) -> "UsageEmitter":
        """An emitter from the variables that the worker reads too.

        KAFKA_BROKERS, SCHEMA_REGISTRY_URL, KAFKA_TOPICS, KAFKA_CLIENT_ID, KAFKA_SSL…,
        KAFKA_SASL_…, SCHEMA_REGISTRY_USERNAME and …PASSWORD; a secret also as NAME_FILE.

        `options` are those of the constructor and take precedence. Raises ValueError, naming the
        variable.
        """
        settings = read_environment(os.environ)
        for name in ("kafka_config", "registry_config"):
            settings[name] = {**settings[name], **(options.pop(name, None) or {})}
        return cls(**{**settings, **options})

    def attach(
        self,
        session: Any,
        *,
        session_id: str,
        account_id: str | None = None,
        attributes: Mapping[str, str] | None = None,
    ) -> None:
        """Sends every metric of `session` from now on, and its own usage report when it closes.

        Args:
            session: an `AgentSession`; nothing is required of it but `on`.
            session_id: names the call in the ledger; not empty.
            account_id: the account to bill; None leaves it open.
            attributes: labels, kept with the session.

        Raises ValueError for an empty session id.
        """
        if not session_id:
            raise ValueError("session_id must not be empty")
        labels = dict(attributes or {})

        def send(metric: Any) -> None:
            self.emit(metric, session_id=session_id, account_id=account_id, attributes=labels)

        attachment = Attachment(send, session_id, self._shared)
        attachment.listen(session)
        self._attachments.add(attachment)
        self._delivery.start()

    def emit(
        self,
        metric: Any,
        *,
        session_id: str,
        account_id: str | None = None,
        attributes: Mapping[str, str] | None = None,
    ) -> None:
        """Queues one metric: an object of LiveKit's, or a dict as its `model_dump()` gives it.

        Never raises and never waits: what cannot be encoded is logged and counted as failed.
        """
        try:
            if not session_id:
                raise ValueError("session_id must not be empty")
            # A label that is not text must not cost the usage.
            labels = {str(name): str(value) for name, value in (attributes or {}).items()}
            account = None if account_id is None else str(account_id)
            body = encode(as_dict(metric), str(session_id), account, labels)
            self._delivery.add(Event(str(session_id).encode(), body))
        except Exception as error:
            self._delivery.fail()
            logger.error("session %s: a usage event cannot be sent: %s", session_id, error)

    def flush(self, timeout_s: float) -> bool:
        """Blocks until everything is acknowledged, `timeout_s` seconds at most; whether it is.

        Not for the event loop: `aclose` is.
        """
        return self._delivery.flush(timeout_s)

    async def aclose(self) -> None:
        """Waits until what was emitted is acknowledged, and ends; logs what was left.

        LiveKit runs the shutdown callbacks of a job at once, so a session may be closing still: it
        is waited for, half of `close_timeout_s` at most, so that its report is sent. The other half
        is for the brokers.
        """
        start = time.monotonic()
        while any(a.is_open for a in self._attachments):
            if time.monotonic() - start > self._close_timeout_s / 2:
                break
            await asyncio.sleep(POLL_S)
        for attachment in list(self._attachments):
            attachment.report()
        await self._delivery.aclose(self._close_timeout_s - (time.monotonic() - start))

    @property
    def stats(self) -> Stats:
        """How many events were sent, failed and dropped so far."""
        return self._delivery.stats
