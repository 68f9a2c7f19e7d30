/** The most bytes of an answer. */
const MAX_ANSWER = 256;
/** How long, in ms, the answer may take. */
const PATIENCE = 2000;

/** The code of the thread, around a function: a byte that says "there", the length, and the bytes. */
const thread_code = (ask: string) => `
  const ask = ${ask};
  addEventListener("message", async ({ data: { said, bytes, question } }) => {
    const { written } = new TextEncoder().encodeInto(await ask(question), bytes);
    Atomics.store(said, 0, written + 1);
    Atomics.notify(said, 0);
  });
`;

/**
 * Asks something that only an asynchronous call can tell, while this thread stands still: for what must
 * be known to bind, which is synchronous. Another thread makes the call. It takes some 20 ms.
 *
 * @param ask The code of a function that is given the question, and gives the answer or a promise of it.
 * @param question Something that can be cloned.
 * @returns The answer, a text; `undefined` if there is none within 2 s.
 */
export function ask_now(ask: string, question: unknown): string | undefined {
  const said = new Int32Array(new SharedArrayBuffer(4));
  const bytes = new Uint8Array(new SharedArrayBuffer(MAX_ANSWER));
  const url = `data:text/javascript,${encodeURIComponent(thread_code(ask))}`;
  const worker = new Worker(url, { type: "module" });
  worker.postMessage({ said, bytes, question });
  Atomics.wait(said, 0, 0, PATIENCE);
  worker.terminate();
  const length = Atomics.load(said, 0) - 1;
  return length < 0 ? undefined : new TextDecoder().decode(bytes.slice(0, length));
}
