"""Models and audio that an `AgentSession` runs with offline, saying what the test wants counted."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from livekit import rtc
from livekit.agents import DEFAULT_API_CONNECT_OPTIONS, llm, stt, tts, utils
from livekit.agents.voice import io

SAMPLE_RATE = 16_000
CHARACTERS_PER_S = 50
# Sums of it are exact.
FRAME_S = 0.125


def silence(seconds: float) -> rtc.AudioFrame:
    """A frame of that length."""
    samples = int(seconds * SAMPLE_RATE)
    return rtc.AudioFrame(bytes(2 * samples), SAMPLE_RATE, 1, samples)


class FakeLLM(llm.LLM[Any]):
    """Answers with one sentence."""

    model = "gpt-fake"
    provider = "openai"

    def chat(
        self,
        *,
        chat_ctx: Any,
        tools: Any = None,
        conn_options: Any = DEFAULT_API_CONNECT_OPTIONS,
        **_: Any,
    ) -> Any:
        """The answer."""
        return _LLMStream(self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options)


class _LLMStream(llm.LLMStream):
    async def _run(self) -> None:
        request_id = utils.shortuuid("chatcmpl-")
        for word in ("Hello", " there,", " how", " can", " I", " help?"):
            delta = llm.ChoiceDelta(role="assistant", content=word)
            self._event_ch.send_nowait(llm.ChatChunk(id=request_id, delta=delta))
        usage = llm.CompletionUsage(
            completion_tokens=7, prompt_tokens=101, prompt_cached_tokens=64, total_tokens=108
        )
        for name, value in (("cache_creation_tokens", 11), ("reasoning_tokens", 3)):
            if name in llm.CompletionUsage.model_fields:
                setattr(usage, name, value)
        self._event_ch.send_nowait(llm.ChatChunk(id=request_id, usage=usage))


class FakeTTS(tts.TTS[Any]):
    """Speaks silence, without streaming, so that LiveKit splits the text into sentences."""

    model = "sonic-fake"
    provider = "cartesia"

    def __init__(self) -> None:
        capabilities = tts.TTSCapabilities(streaming=False)
        super().__init__(capabilities=capabilities, sample_rate=SAMPLE_RATE, num_channels=1)

    def synthesize(self, text: str, *, conn_options: Any = DEFAULT_API_CONNECT_OPTIONS) -> Any:
        """Silence of a length that the text decides."""
        return _ChunkedStream(tts=self, input_text=text, conn_options=conn_options)


class _ChunkedStream(tts.ChunkedStream):
    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        output_emitter.initialize(
            request_id=utils.shortuuid(),
            sample_rate=SAMPLE_RATE,
            num_channels=1,
            mime_type="audio/pcm",
        )
        output_emitter.push(silence(len(self._input_text) / CHARACTERS_PER_S).data.tobytes())
        output_emitter.flush()


class FakeSTT(stt.STT[Any]):
    """Reports the audio that it heard, as plugins do, and hears no words."""

    model = "nova-fake"
    provider = "deepgram"

    def __init__(self) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=True, interim_results=False))

    async def _recognize_impl(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError

    def stream(
        self, *, language: Any = None, conn_options: Any = DEFAULT_API_CONNECT_OPTIONS, **_: Any
    ) -> Any:
        """Listens."""
        return _RecognizeStream(stt=self, conn_options=conn_options)


class _RecognizeStream(stt.RecognizeStream):
    async def _run(self) -> None:
        async for item in self._input_ch:
            if isinstance(item, rtc.AudioFrame):
                usage = stt.RecognitionUsage(audio_duration=item.duration)
                event = stt.SpeechEvent(
                    type=stt.SpeechEventType.RECOGNITION_USAGE,
                    request_id=utils.shortuuid(),
                    recognition_usage=usage,
                )
                self._event_ch.send_nowait(event)


class FakeMicrophone(io.AudioInput):
    """A few frames, then nothing more."""

    def __init__(self, frames: int) -> None:
        super().__init__(label="microphone")
        self._frames = frames

    def __aiter__(self) -> AsyncIterator[rtc.AudioFrame]:
        return self

    async def __anext__(self) -> rtc.AudioFrame:
        if self._frames == 0:
            await asyncio.Event().wait()
        self._frames -= 1
        return silence(FRAME_S)


class FakeSpeaker(io.AudioOutput):
    """Plays everything at once."""

    def __init__(self) -> None:
        super().__init__(label="speaker", capabilities=io.AudioOutputCapabilities(pause=False))
        self._played = 0.0

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        """Counts the length."""
        await super().capture_frame(frame)
        self._played += frame.duration

    def flush(self) -> None:
        """All of it was heard."""
        super().flush()
        if self._played > 0:
            self.on_playback_finished(playback_position=self._played, interrupted=False)
        self._played = 0.0

    def clear_buffer(self) -> None:
        """Nothing is waiting."""
