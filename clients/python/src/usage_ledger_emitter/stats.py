"""What became of the events of an emitter."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stats:
    """Counts of events since the emitter was made; what is missing from their sum still waits."""

    sent: int
    """Acknowledged by the brokers."""
    failed: int
    """Could not be encoded, or were refused for what they are, such as too large."""
    dropped: int
    """Given up: the oldest when the buffer was full, and what was left when the emitter closed."""
