"""What fastavro would leave out in silence: fields that it does not know, fractions of a token."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

_NAMED_AT_MOST = 1_000

_LONG = "long"


class SilentLosses:
    """Finds usage in a metric that its Avro form would not have."""

    def __init__(self, schema_text: str) -> None:
        # For each record and field: the record it holds, "long", or None for anything else.
        self._records: dict[str, dict[str, str | None]] = {}
        self._collect(json.loads(schema_text))
        self._named: set[str] = set()

    def new_fields(self, record: str, metric: Mapping[str, Any]) -> list[str]:
        """Names like `LLMMetrics.new_field` of what the schema lacks and was not named before.

        Raises ValueError for a fraction where the schema has a whole number.
        """
        names = {name for name in self._unknown(record, metric) if name not in self._named}
        if len(self._named) >= _NAMED_AT_MOST:
            return []
        self._named |= names
        return sorted(names)

    def _unknown(self, record: str, value: Mapping[str, Any]) -> Iterator[str]:
        fields = self._records[record]
        for name, item in value.items():
            if name not in fields:
                # The literal of the union branch, which the record itself does not have.
                if name != "type":
                    yield f"{record}.{name}"
                continue
            kind = fields[name]
            if kind == _LONG:
                if isinstance(item, float) and not item.is_integer():
                    raise ValueError(f"{record}.{name} is {item}; expected a whole number")
            elif kind is not None:
                for nested in item if isinstance(item, list) else [item]:
                    if isinstance(nested, Mapping):
                        yield from self._unknown(kind, nested)

    def _collect(self, schema: Any) -> str | None:
        """Notes the records in `schema`; what its values are made of, as in `_records`."""
        if isinstance(schema, list):
            return next(filter(None, [self._collect(branch) for branch in schema]), None)
        if isinstance(schema, str):
            name = schema.removeprefix("usage_ledger.")
            return name if name in self._records or name == _LONG else None
        if schema["type"] == "array":
            return self._collect(schema["items"])
        if schema["type"] != "record":
            return None
        record: str = schema["name"]
        self._records[record] = {
            field["name"]: self._collect(field["type"]) for field in schema["fields"]
        }
        return record
