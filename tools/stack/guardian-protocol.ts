/** What the stack asks of its guardian, and what the guardian tells it, over the IPC channel. */
export type GuardianCommand =
  | { do: 'spawn'; spec: SpawnSpec }
  | { do: 'signal'; pid: number; signal: NodeJS.Signals }
  | { do: 'own'; path: string }
  | { do: 'disown'; path: string }
  | { do: 'shutdown' };

export interface SpawnSpec {
  file: string;
  args: readonly string[];
  env: Record<string, string>;
  /** Standard output and error are appended here. */
  log: string;
  cwd?: string;
  uid?: number;
  gid?: number;
  /** How it is ended when everything is; what it would write in a slower end is thrown away anyhow. */
  endSignal?: NodeJS.Signals;
}

export interface GuardianRequest {
  type: 'request';
  id: number;
  command: GuardianCommand;
}

export type GuardianMessage =
  | { type: 'ready'; scratch: string }
  | { type: 'reply'; id: number; pid?: number; error?: string }
  | { type: 'exit'; pid: number; status: ExitStatus };

export interface ExitStatus {
  code: number | null;
  signal: NodeJS.Signals | null;
}
