"""`UsageEmitter`: from the events of an agent session to a Kafka topic."""

import asyncio
import atexit
import logging
import os
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

from .attachment import Attachment, SharedMetrics
from .buffer import Event
from .delivery import Delivery
from .schema_id import SchemaIdLookup
from .settings import read_environment
from .stats import Stats
from .wire import encode, metric_dict

logger = logging.getLogger("usage_ledger_emitter")

_PRODUCER_CONFIG = {
    "enable.idempotence": True,
    "compression.type": "lz4",
    "linger.ms": 20,
    # An event is given up by the bound of the buffer, not by a clock.
    "message.timeout.ms": 0,
    "queue.buffering.max.messages": 100_000,
}


class UsageEmitter:
    """Sends usage metrics to a Kafka topic in the background.

    Nothing here blocks the event loop, raises into it or grows without bound: events wait in a
    buffer of `buffer_max_bytes` while brokers or registry are away, the oldest are dropped when it
    is full, and `stats` says what became of them. Sending an event twice is harmless: the ledger
    counts it once.

    Args:
        brokers: `host:port`, several separated by commas or as a list.
        schema_registry_url: address of a registry with Confluent's API.
        topic: the topic; its subject is `<topic>-value`.
        buffer_max_bytes: bound of what waits, about 500 bytes per event; 16 MiB by default.
        close_timeout_s: seconds that `aclose` waits for the brokers' acknowledgements.
        register_schema: whether the schema may be registered; if not, it must be there already.
        kafka_config: further settings of librdkafka, such as `sasl.username`.
        registry_config: further settings of confluent-kafka's `SchemaRegistryClient`.
    """

    def __init__(
        self,
        brokers: str | Sequence[str],
        schema_registry_url: str,
        topic: str = "agent-metrics",
        *,
        buffer_max_bytes: int = 16 * 1_048_576,
        close_timeout_s: float = 10.0,
        register_schema: bool = True,
        kafka_config: Mapping[str, Any] | None = None,
        registry_config: Mapping[str, Any] | None = None,
    ) -> None:
        servers = brokers if isinstance(brokers, str) else ",".join(brokers)
        registry = {"url": schema_registry_url, **(registry_config or {})}
        self._close_timeout_s = close_timeout_s
        self._shared = SharedMetrics()
        self._delivery = Delivery(
            topic,
            {
                "bootstrap.servers": servers,
                "logger": logger,
                **_PRODUCER_CONFIG,
                **(kafka_config or {}),
            },
            SchemaIdLookup(registry, f"{topic}-value", register_schema),
            buffer_max_bytes,
        )
        # A process that ends without `aclose` gets a last chance.
        atexit.register(_close_at_exit, weakref.ref(self._delivery), close_timeout_s)

    @classmethod
    def from_env(cls, **options: Any) -> "UsageEmitter":
        """An emitter from the variables that the worker reads too.

        KAFKA_BROKERS, SCHEMA_REGISTRY_URL, KAFKA_TOPICS, KAFKA_SSL…, KAFKA_SASL_…,
        SCHEMA_REGISTRY_USERNAME, …; a secret also as NAME_FILE.

        `options` are those of the constructor and take precedence. Raises ValueError, naming the
        variable.
        """
        return cls(**{**read_environment(os.environ), **options})

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

        Attachment(send, session_id, self._shared).listen(session)

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
            body = encode(metric_dict(metric), session_id, account_id, attributes or {})
            self._delivery.add(Event(session_id.encode(), body))
        except Exception as error:
            self._delivery.fail()
            logger.error("session %s: a usage event cannot be sent: %s", session_id, error)

    def flush(self, timeout_s: float) -> bool:
        """Blocks until everything is acknowledged, `timeout_s` seconds at most; whether it is."""
        return self._delivery.flush(timeout_s)

    async def aclose(self) -> None:
        """Waits for acknowledgements, `close_timeout_s` at most, and ends; logs what was left."""
        loop = asyncio.get_running_loop()
        left = await loop.run_in_executor(None, self._delivery.close, self._close_timeout_s)
        if left:
            logger.error(
                "%d usage events were not acknowledged within %.1f s and are lost",
                left,
                self._close_timeout_s,
            )

    @property
    def stats(self) -> Stats:
        """How many events were sent, failed and dropped so far."""
        return self._delivery.stats


def _close_at_exit(delivery: "weakref.ref[Delivery]", timeout_s: float) -> None:
    found = delivery()
    if found is not None:
        found.close(timeout_s)
