"""How long an event loop is held, and by whom."""

import asyncio
import threading
import time
from array import array

PERIOD_S = 0.001
LIMIT_MS = 5.0
STEP_MS = 0.01
STEPS = 100_000


class Delays:
    """Counts of delays, to a hundredth of a millisecond, in memory that does not grow."""

    def __init__(self) -> None:
        self._counts = array("Q", bytes(8 * STEPS))
        self.max_ms = 0.0

    def add(self, ms: float) -> None:
        """Counts one."""
        self._counts[min(STEPS - 1, int(ms / STEP_MS))] += 1
        self.max_ms = max(self.max_ms, ms)

    def __len__(self) -> int:
        return sum(self._counts)

    def __str__(self) -> str:
        below, rank = 0, 0.9999 * len(self)
        p9999 = next(i for i, n in enumerate(self._counts) if (below := below + n) >= rank)
        over = sum(self._counts[int(LIMIT_MS / STEP_MS) :])
        return (
            f"p99.99 {p9999 * STEP_MS:.2f} ms, max {self.max_ms:.2f} ms, "
            f"{over} above {LIMIT_MS:.0f} ms"
        )


class Lateness:
    """Of the ticks of a task that sleeps for a millisecond at a time."""

    def __init__(self) -> None:
        self.late = Delays()
        self.own = Delays()
        # Those of librdkafka never hold the interpreter lock.
        self._clocks = [
            time.pthread_getcpuclockid(thread.ident)
            for thread in threading.enumerate()
            if thread.ident is not None
        ]

    def _used_s(self) -> float:
        return sum(map(time.clock_gettime, self._clocks))

    async def measure(self) -> None:
        """Until cancelled.

        A tick is late by what the machine or the process took. The process can have held the loop
        for no longer than its Python threads had the processor meanwhile, all together: `own`.
        """
        while True:
            start, used = time.perf_counter(), self._used_s()
            await asyncio.sleep(PERIOD_S)
            late = max(0.0, time.perf_counter() - start - PERIOD_S) * 1_000
            self.late.add(late)
            self.own.add(min(late, (self._used_s() - used) * 1_000))

    def __str__(self) -> str:
        return (
            f"{len(self.late)} ticks\n  late            {self.late}\n  by the process  {self.own}"
        )
