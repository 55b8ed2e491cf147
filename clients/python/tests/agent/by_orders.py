"""Emits on orders from standard input, each answered by a line: `emit N`, `flush SECONDS`."""

import json
import sys

from usage_ledger_emitter import UsageEmitter

emitter = UsageEmitter.from_env()
count = 0
for line in sys.stdin:
    order, argument = line.split()
    if order == "emit":
        for _ in range(int(argument)):
            count += 1
            emitter.emit(
                {
                    "type": "vad_metrics",
                    "label": f"event {count}",
                    "timestamp": 1.0,
                    "idle_time": 0.0,
                    "inference_duration_total": 0.1,
                    "inference_count": 3,
                },
                session_id="call-1",
            )
        answer: object = count
    else:
        answer = {"isDone": emitter.flush(float(argument)), **vars(emitter.stats)}
    print(json.dumps(answer), flush=True)
