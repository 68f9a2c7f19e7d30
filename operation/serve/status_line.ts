import { write_before } from "../../internal/runtime/standard_error.ts";
import type { ServerInfo } from "../../server/info.ts";

/** How often it is written, in ms. */
const PERIOD = 1000;
/** Back to the start of the line, and erases it. */
const ERASE = "\r\x1b[K";

/** What a server is doing, in the last line of a terminal: written anew each second, erased at the end. */
export class StatusLine implements AsyncDisposable {
  #info: () => ServerInfo;
  #served = 0;
  #timer: ReturnType<typeof setInterval>;
  #writing: Promise<unknown> | undefined;

  /** @param info Tells what the server is doing. */
  constructor(info: () => ServerInfo) {
    this.#info = info;
    this.#timer = setInterval(() => this.#show(), PERIOD);
    // Reports take its place, and it comes back after them.
    write_before(ERASE);
    this.#show();
  }

  /** A terminal that takes nothing (Ctrl-S) must not hold up the server. */
  #show(): void {
    if (this.#writing) return;
    const info = this.#info();
    const { columns } = Deno.consoleSize();
    const text = status_of(info, info.completed - this.#served).slice(0, columns - 1);
    this.#served = info.completed;
    this.#write(ERASE + text);
  }

  #write(text: string): void {
    const written = () => this.#writing = undefined;
    this.#writing = Deno.stderr.write(new TextEncoder().encode(text)).then(written, written);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    write_before("");
    await this.#writing;
    this.#write(ERASE);
    await this.#writing;
  }
}

/** What a server is doing, in a line; of what went wrong only what there is. */
function status_of(info: ServerInfo, rate: number): string {
  const { active, waiting, completed, failed, refused, timed_out } = info;
  const faults = Object.entries({ failed, refused, "timed out": timed_out })
    .filter(([, count]) => count > 0);
  const counts = [["active", active], ["waiting", waiting], ["served", completed], ...faults];
  const texts = counts.map(([name, count]) => `${count!.toLocaleString("en")} ${name}`);
  return [...texts, `${rate.toLocaleString("en")}/s`].join(", ");
}
