import { writeSync } from "node:fs";
import type net from "node:net";
import { ClaimCounter } from "./claim_counter.ts";
import { JUMP } from "./claim_numbers.ts";

/** The descriptor of the pipe in a child process, which has it beside its channel. */
export const PIPE = 4;

/** The most characters of a line. What is longer may not be written at once. */
const MAX_LINE = 512;

/** A result as a line says it: the job, what came before it, and the value, if it has one. */
type Line = [job: number, after: number, value?: unknown];

/**
 * What a child process does about jobs that are sent ahead: it takes their claims, and gives short results by a
 * pipe. They are in the system's hands before the next job begins, so that none is lost, however the child ends.
 */
export class ChildPipe {
  readonly claims: ClaimCounter = new ClaimCounter();

  /**
   * Writes a result.
   *
   * @param job The number of its job.
   * @param after How many messages the child has sent before.
   * @returns Whether it could: not if it is long, or no single value.
   */
  put(job: number, after: number, value: unknown): boolean {
    if (!is_exact_in_json(value)) return false;
    const line = `${JSON.stringify(value === undefined ? [job, after] : [job, after, value])}\n`;
    if (line.length > MAX_LINE) return false;
    try {
      writeSync(PIPE, line);
      return true;
    } catch {
      // There is no place, or nobody reads any more.
      return false;
    }
  }

  /** The pool need not be called. */
  must_call(): boolean {
    return false;
  }
}

/**
 * What a thread of the child runs beside that, also where a job never lets go: it answers when the pool asks for
 * what was not begun. The memory of the claims is sent to it.
 */
export const RECALLER = `
  onmessage = async ({ data }) => {
    const { Socket } = (await import("node:net")).default;
    const pipe = new Socket({ fd: ${PIPE} });
    pipe.on("error", () => {});
    pipe.on("data", () => pipe.write(Atomics.add(new Int32Array(data), 0, ${JUMP}) + "\\n"));
  };
`;

/** The pool's end of the pipe. */
export class PoolPipe {
  #pipe: net.Socket;
  #rest = "";
  #results: Line[] = [];

  constructor(pipe: net.Socket) {
    this.#pipe = pipe;
    pipe.setEncoding("utf8");
    pipe.on("error", () => {});
    pipe.unref();
  }

  /**
   * Begins to read.
   *
   * @param results Called when results have come.
   * @param recalled Called with the first of the claims that are void.
   * @param unread Called when what has come makes no sense.
   */
  listen(
    results: () => void,
    recalled: (first: number) => void,
    unread: (error: unknown) => void,
  ): void {
    this.#pipe.on("data", (text) => {
      try {
        for (const line of this.#lines(String(text))) {
          if (Array.isArray(line)) this.#results.push(line);
          else recalled(Number(line));
        }
        results();
      } catch (error) {
        unread(error);
      }
    });
  }

  /** Whether nothing more comes. */
  get has_ended(): boolean {
    return this.#pipe.destroyed;
  }

  /** Has a function called when nothing more comes. */
  on_end(ended: () => void): void {
    this.#pipe.once("close", ended);
  }

  close(): void {
    this.#pipe.destroy();
  }

  /** Takes back all claims that were not taken. The child answers with the first of them. */
  recall(): void {
    this.#pipe.write("?");
  }

  /**
   * Takes results out, as {@linkcode ResultBox.take} does.
   *
   * @returns How many.
   */
  take(received: number, give: (job: number, value: unknown) => void): number {
    let taken = 0;
    for (const [job, after, value] of this.#results) {
      if (after > received) break;
      taken++;
      give(job, value);
    }
    if (taken > 0) this.#results.splice(0, taken);
    return taken;
  }

  /** They come by themselves. */
  await_call(): void {}

  /** The lines that are complete now. */
  #lines(text: string): (Line | number)[] {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop()!;
    if (this.#rest.length > MAX_LINE) throw new RangeError("It wrote a line that is too long");
    return JSON.parse(`[${lines.join(",")}]`);
  }
}

/** Whether JSON says exactly this. */
function is_exact_in_json(value: unknown): boolean {
  if (typeof value === "number") return Number.isFinite(value) && !Object.is(value, -0);
  return typeof value === "string" || typeof value === "boolean" || value == undefined;
}
