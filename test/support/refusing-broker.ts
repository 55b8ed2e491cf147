import type { TcpProxy, Verdict } from './tcp-proxy.ts';

/** Requests and answers of the Kafka protocol that a broker cannot be brought to at will. */
export const Api = { JOIN_GROUP: 11, HEARTBEAT: 12 } as const;
export const ErrorCode = {
  COORDINATOR_LOAD_IN_PROGRESS: 14,
  NOT_COORDINATOR: 16,
  UNKNOWN_MEMBER_ID: 25,
} as const;

export interface Refusal {
  readonly api: (typeof Api)[keyof typeof Api];
  readonly error: (typeof ErrorCode)[keyof typeof ErrorCode];
}

const LENGTH_BYTES = 4;
const CORRELATION_OFFSET = 8;
/** What follows the error in an answer to JoinGroup: generation, three empty texts, no members. */
const NO_GROUP = Buffer.concat([Buffer.alloc(4, 0xff), Buffer.alloc(3 * 2 + 4)]);

/**
 * Has requests through the proxy refused, each of them once and in this order: the broker never receives
 * of them. A request is taken to come as it was written, in one piece.
 *
 * @returns how many were refused so far
 */
export function refuse(proxy: TcpProxy, refusals: readonly Refusal[]): () => number {
  let refused = 0;
  proxy.judge = (bytes): Verdict => {
    const pass: Buffer[] = [];
    const answers: Buffer[] = [];
    for (let at = 0; at < bytes.length; ) {
      const end = at + LENGTH_BYTES + bytes.readInt32BE(at);
      const request = bytes.subarray(at, end);
      at = end;
      const next = refusals[refused];
      if (next === undefined || request.readInt16BE(LENGTH_BYTES) !== next.api) {
        pass.push(request);
        continue;
      }
      refused += 1;
      answers.push(answerTo(request, next));
    }
    return { pass: Buffer.concat(pass), answer: Buffer.concat(answers) };
  };
  return () => refused;
}

function answerTo(request: Buffer, { api, error }: Refusal): Buffer {
  // Correlation id, throttle time, error. Source: Kafka protocol, Heartbeat 3 and JoinGroup 5.
  const head = Buffer.alloc(LENGTH_BYTES + 4 + 4 + 2);
  request.copy(head, LENGTH_BYTES, CORRELATION_OFFSET, CORRELATION_OFFSET + 4);
  head.writeInt16BE(error, LENGTH_BYTES + 8);
  const answer = api === Api.JOIN_GROUP ? Buffer.concat([head, NO_GROUP]) : head;
  answer.writeInt32BE(answer.length - LENGTH_BYTES);
  return answer;
}
