"""What tests send, and where to."""

from typing import Any

MOCK = {"test.mock.num.brokers": 1}
"""Setting of librdkafka: a cluster inside the process."""
NOWHERE = "127.0.0.1:1"


def vad(label: str = "silero") -> dict[str, Any]:
    """A metric, small and not billed."""
    return {
        "type": "vad_metrics",
        "label": label,
        "timestamp": 1.0,
        "idle_time": 0.0,
        "inference_duration_total": 0.1,
        "inference_count": 3,
    }
