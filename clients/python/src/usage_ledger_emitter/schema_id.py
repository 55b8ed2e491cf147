"""The id under which the registry knows the schema of our events."""

from typing import Any

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from .wire import SCHEMA_TEXT

REQUEST_TIMEOUT_S = 10


class SchemaIdLookup:
    """Asks the registry for the id of the schema, once it answers, and keeps it."""

    def __init__(self, config: dict[str, Any], subject: str, register: bool) -> None:
        # Made once: it takes tens of milliseconds. Attempts are repeated by the caller.
        self._client = SchemaRegistryClient(
            {"timeout": REQUEST_TIMEOUT_S, "max.retries": 0, **config}
        )
        self._subject = subject
        self._register = register
        self._id: int | None = None

    def get(self) -> int:
        """The id. Blocks; raises whatever the registry's client raises when there is no answer."""
        if self._id is None:
            schema = Schema(SCHEMA_TEXT, "AVRO")
            if self._register:
                self._id = self._client.register_schema(self._subject, schema)
            else:
                self._id = self._client.lookup_schema(self._subject, schema).schema_id
        if self._id is None:
            raise RuntimeError(f"the registry has no id for the schema of {self._subject}")
        return self._id
