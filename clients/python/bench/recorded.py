"""Metrics as LiveKit's classes, from the calls that were recorded with them."""

import json
import sys
from pathlib import Path
from typing import Any

from livekit.agents.metrics import base

from usage_ledger_emitter.wire import RECORDS

EVENTS = Path(__file__).parents[3] / "test/fixtures/vectors/livekit-1.8.9/collector/events.jsonl"


def recorded_metrics() -> list[Any]:
    """One object per recorded event, in order."""
    metrics = [json.loads(line)["metric"] for line in EVENTS.read_text("utf-8").splitlines()]
    return [getattr(base, RECORDS[m["type"]]).model_validate(m) for m in metrics]


def describe_versions() -> str:
    """Of everything that the figures depend on."""
    from importlib.metadata import version

    import confluent_kafka

    return (
        f"Python {sys.version.split()[0]}, livekit-agents {version('livekit-agents')}, "
        f"confluent-kafka {version('confluent-kafka')} (librdkafka "
        f"{confluent_kafka.libversion()[0]}), fastavro {version('fastavro')}"
    )
