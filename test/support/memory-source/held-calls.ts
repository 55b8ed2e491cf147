/** How a call ends. */
export type Ending =
  /** It takes effect, and the caller gets its answer. */
  | 'answered'
  /** It takes effect, and the caller gets an error. */
  | 'answer lost'
  /** It takes no effect, and the caller gets an error. */
  | 'refused';

/** A call that waits for the test. */
export interface HeldCall {
  /** Who asks, and for what: `A: bounds calls`. */
  readonly name: string;
  end(how: Ending): void;
  /** The caller gets an error now; the call takes effect when the returned function is called. */
  outlive(): () => void;
}

/**
 * Calls to a server, which the test ends one by one, in any order and in any way. While nothing is
 * held, each takes effect and is answered at once.
 */
export class HeldCalls {
  readonly held: HeldCall[] = [];
  readonly #failure: (name: string) => Error;
  #isHeld: (name: string) => boolean = () => false;

  /** @param failure what a caller gets whose answer does not come */
  constructor(failure: (name: string) => Error = (name) => new Error(`no answer: ${name}`)) {
    this.#failure = failure;
  }

  /** From now on calls wait for the test, or those of them that it picks. */
  hold(isHeld: (name: string) => boolean = () => true): void {
    this.#isHeld = isHeld;
  }

  /** Answers what waits, and what comes. */
  release(): void {
    this.#isHeld = () => false;
    while (this.held[0] !== undefined) this.held[0].end('answered');
  }

  /** @param effect what the server does; what it throws, the caller gets */
  async call<T>(name: string, effect: () => T): Promise<T> {
    if (!this.#isHeld(name)) return effect();
    return new Promise<T>((resolve, reject) => {
      const take = () => {
        const at = this.held.indexOf(call);
        if (at < 0) throw new Error(`the call has ended: ${name}`);
        this.held.splice(at, 1);
      };
      const call: HeldCall = {
        name,
        end: (how) => {
          take();
          if (how !== 'answered') reject(this.#failure(name));
          if (how === 'refused') return;
          try {
            resolve(effect());
          } catch (error) {
            reject(error);
          }
        },
        outlive: () => {
          take();
          reject(this.#failure(name));
          return effect;
        },
      };
      this.held.push(call);
    });
  }
}
