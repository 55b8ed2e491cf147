"""A call of a real `AgentSession` with fake models, its usage sent as an agent sends it.

Prints one line of JSON: what the session counted, and what became of the events.
"""

import asyncio
import json
import sys

from fakes import FakeLLM, FakeMicrophone, FakeSpeaker, FakeSTT, FakeTTS
from livekit.agents import Agent, AgentSession

from usage_ledger_emitter import UsageEmitter

FRAMES = 7
# The ids of a server that numbers its answers: one repeats within the call.
REQUEST_IDS = ["chatcmpl-9f8a3c2e71d04b55", "chatcmpl-41", "chatcmpl-42", "chatcmpl-41"]


async def call(session_id: str) -> None:
    """The call, from the emitter to the end of the session."""
    emitter = UsageEmitter.from_env(close_timeout_s=60)
    session: AgentSession[None] = AgentSession(
        llm=FakeLLM(list(REQUEST_IDS)), tts=FakeTTS(), stt=FakeSTT(), turn_detection="manual"
    )
    emitter.attach(
        session, session_id=session_id, account_id="acct-1", attributes={"agent": "offline"}
    )
    heard = asyncio.Event()
    frames_heard = 0

    def count(event: object) -> None:
        nonlocal frames_heard
        frames_heard += getattr(event.metrics, "type", "") == "stt_metrics"  # type: ignore[attr-defined]
        if frames_heard == FRAMES:
            heard.set()

    session.on("metrics_collected", count)
    session.input.audio = FakeMicrophone(FRAMES)
    session.output.audio = FakeSpeaker()
    await session.start(Agent(instructions="Be brief."))
    await session.say("Welcome. One moment please, ¿vale?", add_to_chat_ctx=False)
    for _ in REQUEST_IDS:
        await session.generate_reply(user_input="Hi")
    await asyncio.wait_for(heard.wait(), 30)
    # As the shutdown callbacks of a job: both at once.
    await asyncio.gather(session.aclose(), emitter.aclose())
    usage = [item.model_dump() for item in session.usage.model_usage]
    stats = emitter.stats
    print(json.dumps({"usage": usage, "stats": vars(stats)}))


if __name__ == "__main__":
    asyncio.run(call(sys.argv[1]))
