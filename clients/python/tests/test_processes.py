"""Events survive the ways in which a process of an agent begins and ends."""

import os
import subprocess
import sys
import textwrap

import pytest
from conftest import Registry

PRELUDE = """
import multiprocessing, os
from usage_ledger_emitter import UsageEmitter
VAD = {"type": "vad_metrics", "label": "l", "timestamp": 1.0, "idle_time": 0.0,
       "inference_duration_total": 0.1, "inference_count": 3}

def make():
    return UsageEmitter("127.0.0.1:1", os.environ["REGISTRY"], close_timeout_s=10,
                        kafka_config={"test.mock.num.brokers": 1})

def in_child():
    emitter = make()
    emitter.emit(VAD, session_id="s")
    # What runs after the emitter's own handler, in either kind of process.
    multiprocessing.util.Finalize(None, lambda: print(emitter.stats, flush=True), exitpriority=1)
"""


def run(registry: Registry, script: str) -> str:
    env = {**os.environ, "REGISTRY": registry.url}
    code = PRELUDE + textwrap.dedent(script)
    result = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_a_process_that_ends_without_aclose_sends_what_it_has(registry: Registry) -> None:
    assert "sent=1, failed=0, dropped=0" in run(registry, "in_child()")


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_so_does_a_child_of_multiprocessing_as_jobs_of_livekit_are(
    registry: Registry, method: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("child")
    main = folder / "main.py"
    main.write_text(
        PRELUDE
        + textwrap.dedent(f"""
            if __name__ == "__main__":
                child = multiprocessing.get_context("{method}").Process(target=in_child)
                child.start()
                child.join()
                raise SystemExit(child.exitcode)
        """)
    )
    env = {**os.environ, "REGISTRY": registry.url}
    result = subprocess.run(
        [sys.executable, str(main)], env=env, capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0, result.stderr
    assert "sent=1, failed=0, dropped=0" in result.stdout


def test_a_forked_child_starts_empty_and_sends_with_a_producer_of_its_own(
    registry: Registry,
) -> None:
    out = run(
        registry,
        """
        emitter = make()
        emitter.emit(VAD, session_id="parent")
        assert emitter.flush(20)
        emitter.emit(VAD, session_id="parent")
        child = os.fork()
        if child == 0:
            emitter.emit(VAD, session_id="child")
            assert emitter.flush(20)
            print("child", emitter.stats, flush=True)
            raise SystemExit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert emitter.flush(20)
        print("parent", emitter.stats)
        """,
    )
    assert "child Stats(sent=1, failed=0, dropped=0)" in out
    assert "parent Stats(sent=2, failed=0, dropped=0)" in out
