"""Minutes without broker and registry, then their return: memory, the event loop, what arrives.

Another process does the same without an emitter, at the same time, for comparison. Fails when an
event is unaccounted for, when others than the newest arrive, when memory grows once the buffer is
full, or when the process held its event loop for longer than 5 ms and the other one did not: a
hypervisor that takes the processor away may count as use of it.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from recorded import describe_versions, recorded_metrics
from services import MockKafka, free_port, start_registry
from ticker import LIMIT_MS, Lateness

from usage_ledger_emitter import UsageEmitter
from usage_ledger_emitter.buffer import OVERHEAD_BYTES
from usage_ledger_emitter.wire import as_dict, encode

EVENTS_PER_S = 50
BOUND = 4 * 1_048_576
GROWTH = 1_048_576
SETTLE_S = 2


def resident_bytes() -> int:
    """Of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def emit_for(seconds: float, emit: Callable[[Any], None]) -> tuple[int, Lateness, list[int]]:
    """Emits at a steady rate; the number of events, the ticks, and the memory at each second."""
    metrics = recorded_metrics()
    lateness = Lateness()
    memory: list[int] = []
    await asyncio.sleep(SETTLE_S)
    ticker = asyncio.create_task(lateness.measure())
    start, count = time.monotonic(), 0
    while (elapsed := time.monotonic() - start) < seconds:
        while count < elapsed * EVENTS_PER_S:
            emit(metrics[count % len(metrics)])
            count += 1
        if len(memory) < elapsed:
            memory.append(resident_bytes())
        await asyncio.sleep(0.5 / EVENTS_PER_S)
    ticker.cancel()
    return count, lateness, memory


def describe(memory: list[int]) -> str:
    """What was resident at first, halfway and at the end."""
    moments = (memory[0], memory[len(memory) // 2], memory[-1])
    return f"resident {', '.join(f'{held / 1e6:.1f}' for held in moments)} MB"


def body_of(metric: Any) -> bytes:
    """What is sent of it, without the frame."""
    return encode(as_dict(metric), "bench-session", "acct-1", {})


def with_emitter(seconds: float) -> tuple[list[str], float]:
    """Prints what was seen; returns promises that did not hold, and how long the loop was held."""
    kafka_port, registry_port = free_port(), free_port()
    emitter = UsageEmitter(
        f"127.0.0.1:{kafka_port}",
        f"http://127.0.0.1:{registry_port}",
        buffer_max_bytes=BOUND,
        close_timeout_s=60,
    )

    def emit(metric: Any) -> None:
        emitter.emit(metric, session_id="bench-session", account_id="acct-1")

    count, lateness, memory = asyncio.run(emit_for(seconds, emit))
    dropped = emitter.stats.dropped
    kafka = MockKafka(kafka_port)
    start_registry(registry_port)
    assert emitter.flush(120), "the emitter did not recover"
    stats = emitter.stats
    arrived = [value[5:] for value in kafka.read("agent-metrics", stats.sent)]

    metrics = recorded_metrics()
    newest = [body_of(metrics[i % len(metrics)]) for i in range(count - len(arrived), count)]
    held = sum(len(body) + len("bench-session") + OVERHEAD_BYTES for body in newest)
    tail = memory[len(memory) // 2 :]
    print(f"{count} events in {seconds:.0f} s without broker and registry, bound {BOUND} bytes")
    print(f"{stats}; {held / BOUND:.1%} of the bound arrived after the outage")
    print(f"with the emitter: {describe(memory)}, {lateness}", flush=True)
    wrong = []
    if stats.sent + stats.dropped != count or stats.failed or dropped != stats.dropped:
        wrong.append("events are unaccounted for")
    # The mock has several partitions, between which there is no order.
    if sorted(arrived) != sorted(newest):
        wrong.append("others than the newest events arrived")
    if dropped and held < 0.99 * BOUND:
        wrong.append("events were dropped before the bound was reached")
    if dropped and tail[-1] - tail[0] > GROWTH:
        wrong.append("memory grew while the buffer was full")
    return wrong, lateness.own.max_ms


def main() -> None:
    """Runs both processes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--control", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    seconds = options.minutes * 60
    if options.control:
        _, lateness, memory = asyncio.run(emit_for(seconds, lambda _: None))
        print(f"without the emitter: {describe(memory)}, {lateness}")
        raise SystemExit(lateness.own.max_ms > LIMIT_MS)
    print(describe_versions(), flush=True)
    control = subprocess.Popen(
        [sys.executable, __file__, "--control", "--minutes", str(options.minutes)]
    )
    wrong, held_ms = with_emitter(seconds)
    if control.wait() == 0 and held_ms > LIMIT_MS:
        wrong.append(f"the process held its event loop for {held_ms:.1f} ms")
    for line in wrong:
        print(f"FAILED: {line}")
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()
