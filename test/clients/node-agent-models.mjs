// Models for the SDK's real base classes that need no provider.
import { APIConnectionError, llm, stt, tts, voice } from '@livekit/agents';
import { AudioFrame } from '@livekit/rtc-node';

const RATE = 24_000;
let requests = 0;

export const oneSecond = () => new AudioFrame(new Int16Array(RATE), RATE, 1, RATE);

/** Plays at once whatever it gets. */
export class AudioSink extends voice.AudioOutput {
  constructor() {
    super(RATE);
  }

  async captureFrame(frame) {
    await super.captureFrame(frame);
    this.onPlaybackStarted(Date.now());
  }

  flush() {
    super.flush();
    this.onPlaybackFinished({ playbackPosition: 1, interrupted: false });
  }

  clearBuffer() {
    this.onPlaybackFinished({ playbackPosition: 0, interrupted: true });
  }
}

class FakeLLMStream extends llm.LLMStream {
  constructor(model, options) {
    super(model, options);
    this.name = model.model;
  }

  async run() {
    if (this.name === 'broken') throw new APIConnectionError({ message: 'broken' });
    requests += 1;
    const id = `chatcmpl-4b7ae91f0c5d2e6a8-${requests}`;
    for (const content of ['Good ', 'morning, ', 'who ', 'calls?']) {
      this.queue.put({ id, delta: { role: 'assistant', content } });
      if (this.name === 'slow') await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const usage = { promptTokens: 100, completionTokens: 20, promptCachedTokens: 7 };
    this.queue.put({ id, usage: { ...usage, cacheCreationTokens: 3, totalTokens: 120 } });
  }
}

const NO_RETRY = { maxRetry: 0, timeoutMs: 5_000, retryIntervalMs: 1 };

export class FakeLLM extends llm.LLM {
  #name;

  constructor(name) {
    super();
    this.#name = name;
  }

  label() {
    return 'fake.LLM';
  }

  get model() {
    return this.#name;
  }

  get provider() {
    return 'fake';
  }

  chat({ chatCtx, toolCtx, connOptions = NO_RETRY }) {
    return new FakeLLMStream(this, { chatCtx, toolCtx, connOptions });
  }
}

export const fallbackLLM = (...llms) => new llm.FallbackAdapter({ llms });

class FakeSpeech extends tts.ChunkedStream {
  label = 'fake.ChunkedStream';

  async run() {
    requests += 1;
    const id = `speech-4b7ae91f0c5d2e6a8-${requests}`;
    this.setTokenUsage({ inputTokens: 5, outputTokens: 50 });
    for (const final of [false, true]) {
      this.queue.put({ requestId: id, segmentId: id, frame: oneSecond(), final });
    }
    this.queue.close();
  }
}

/** As that of the OpenAI plugin: it does not stream, counts tokens, and marks the last frame. */
export class FakeTTS extends tts.TTS {
  label = 'fake.TTS';

  constructor() {
    super(RATE, 1, { streaming: false });
  }

  get model() {
    return 'voice';
  }

  get provider() {
    return 'fake';
  }

  synthesize(text, connOptions, signal) {
    return new FakeSpeech(text, this, connOptions, signal);
  }
}

export class FakeSTT extends stt.STT {
  label = 'fake.STT';

  constructor() {
    super({ streaming: true, interimResults: false });
  }

  get model() {
    return 'ear';
  }

  get provider() {
    return 'fake';
  }

  async _recognize() {
    requests += 1;
    const requestId = `transcript-4b7ae91f0c5d2e6a8-${requests}`;
    return { type: stt.SpeechEventType.FINAL_TRANSCRIPT, requestId, alternatives: [] };
  }
}

const streamOf = (...items) =>
  new ReadableStream({
    start(controller) {
      for (const item of items) controller.enqueue(item);
      controller.close();
    },
  });

/** As that of the OpenAI plugin: its metrics name no provider and model. */
class FakeRealtimeSession extends llm.RealtimeSession {
  chatCtx = llm.ChatContext.empty();
  tools = llm.ToolContext.empty();

  async updateInstructions() {}
  async updateChatCtx(chatCtx) {
    this.chatCtx = chatCtx.copy();
  }
  async updateTools(tools) {
    this.tools = tools.copy();
  }
  updateOptions() {}
  pushAudio() {}
  async commitAudio() {}
  async clearAudio() {}
  async interrupt() {}
  async truncate() {}

  async generateReply() {
    requests += 1;
    const responseId = `resp_4b7ae91f0c5d2e6a8_${requests}`;
    this.emit('metrics_collected', realtimeMetrics(responseId));
    return {
      messageStream: streamOf({
        messageId: 'message',
        textStream: streamOf('Good morning'),
        audioStream: streamOf(),
        modalities: Promise.resolve(['text']),
      }),
      functionStream: streamOf(),
      userInitiated: true,
      responseId,
    };
  }
}

export class FakeRealtimeModel extends llm.RealtimeModel {
  constructor() {
    super({
      messageTruncation: false,
      turnDetection: false,
      userTranscription: false,
      autoToolReplyGeneration: false,
      audioOutput: false,
      manualFunctionCalls: false,
      midSessionChatCtxUpdate: true,
      midSessionInstructionsUpdate: true,
      midSessionToolsUpdate: true,
      perResponseToolChoice: false,
    });
  }

  get model() {
    return 'gpt-realtime';
  }

  get provider() {
    return 'api.openai.com';
  }

  session() {
    return new FakeRealtimeSession(this);
  }

  async close() {}
}

function realtimeMetrics(requestId) {
  return {
    type: 'realtime_model_metrics',
    label: 'openai_realtime',
    requestId,
    timestamp: Date.now(),
    durationMs: 900,
    sessionDurationMs: 12_345,
    ttftMs: -1,
    cancelled: false,
    inputTokens: 300,
    outputTokens: 40,
    totalTokens: 340,
    tokensPerSecond: 44.4,
    inputTokenDetails: {
      audioTokens: 200,
      textTokens: 100,
      imageTokens: 0,
      cachedTokens: 60,
      cachedTokensDetails: { audioTokens: 50, textTokens: 10, imageTokens: 0 },
    },
    outputTokenDetails: { textTokens: 10, audioTokens: 30, imageTokens: 0 },
  };
}
