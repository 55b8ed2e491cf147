"""What an event costs the event loop: `emit` with the recorded metrics of LiveKit's classes."""

import asyncio
import statistics
import time

from recorded import describe_versions, recorded_metrics
from services import MockKafka, free_port, start_registry

from usage_ledger_emitter import UsageEmitter

ROUNDS = 30


def main() -> None:
    """Prints the figures."""
    metrics = recorded_metrics()
    kafka, registry = free_port(), free_port()
    MockKafka(kafka)
    start_registry(registry)
    emitter = UsageEmitter(f"127.0.0.1:{kafka}", f"http://127.0.0.1:{registry}")
    times: list[float] = []
    used: list[float] = []
    for _ in range(ROUNDS):
        start = time.thread_time()
        for metric in metrics:
            before = time.perf_counter()
            emitter.emit(metric, session_id="bench-session", account_id="acct-1")
            times.append((time.perf_counter() - before) * 1e6)
        used.append((time.thread_time() - start) / len(metrics) * 1e6)
        assert emitter.flush(60)
    asyncio.run(emitter.aclose())
    assert emitter.stats.sent == ROUNDS * len(metrics)
    ordered = sorted(times)
    print(describe_versions())
    print(
        f"emit, {len(times)} events delivered: {statistics.median(used):.1f} µs of processor time "
        f"per event in the caller; elapsed median {statistics.median(times):.1f} µs, "
        f"p99 {ordered[int(len(ordered) * 0.99)]:.1f} µs"
    )


if __name__ == "__main__":
    main()
