"""A call of a real `AgentSession` with fake models, its usage sent as an agent sends it.

    call.py SESSION_ID [registered]

Prints one line of JSON: what the session counted, and what became of the events. With `registered`
the schema is only looked up.
"""

import asyncio
import json
import sys

from fakes import FRAME_S, FakeLLM, FakeMicrophone, FakeSpeaker, FakeSTT, FakeTTS
from livekit.agents import Agent, AgentSession, SessionUsageUpdatedEvent
from livekit.agents.metrics import STTModelUsage

from usage_ledger_emitter import UsageEmitter

FRAMES = 7
REPLIES = 4


async def call(session_id: str, register_schema: bool) -> None:
    """The call, from the emitter to the end of the session."""
    emitter = UsageEmitter.from_env(close_timeout_s=40, register_schema=register_schema)
    session: AgentSession[None] = AgentSession(
        llm=FakeLLM(), tts=FakeTTS(), stt=FakeSTT(), turn_detection="manual"
    )
    emitter.attach(
        session, session_id=session_id, account_id="acct-1", attributes={"agent": "offline"}
    )
    heard = asyncio.Event()

    def listen(event: SessionUsageUpdatedEvent) -> None:
        if any(
            isinstance(usage, STTModelUsage) and usage.audio_duration == FRAMES * FRAME_S
            for usage in event.usage.model_usage
        ):
            heard.set()

    session.on("session_usage_updated", listen)
    session.input.audio = FakeMicrophone(FRAMES)
    session.output.audio = FakeSpeaker()
    await session.start(Agent(instructions="Be brief."))
    await session.say("Welcome. One moment please, ¿vale?", add_to_chat_ctx=False)
    for _ in range(REPLIES):
        await session.generate_reply(user_input="Hi")
    await asyncio.wait_for(heard.wait(), 30)
    # As the shutdown callbacks of a job: both at once.
    await asyncio.gather(session.aclose(), emitter.aclose())
    usage = [item.model_dump() for item in session.usage.model_usage]
    print(json.dumps({"usage": usage, "stats": vars(emitter.stats)}))


if __name__ == "__main__":
    asyncio.run(call(sys.argv[1], "registered" not in sys.argv))
