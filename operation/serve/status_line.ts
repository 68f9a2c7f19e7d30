import { show_status } from "../../internal/runtime/standard_error.ts";
import type { ServerInfo } from "../../server/info.ts";

/** How often it is written, in ms. */
const PERIOD = 1000;
/** The width of a terminal that does not know it. */
const COLUMNS = 80;

/** What a server is doing, in the last line of a terminal: written anew each second, erased at the end. */
export class StatusLine implements Disposable {
  #info: () => ServerInfo;
  #completed = 0;
  #timer: ReturnType<typeof setInterval>;

  /** @param info Tells what the server is doing. */
  constructor(info: () => ServerInfo) {
    this.#info = info;
    this.#timer = setInterval(() => this.#show(), PERIOD);
    this.#show();
  }

  #show(): void {
    const info = this.#info();
    // The last column would begin a line.
    show_status(status_of(info, info.completed - this.#completed).slice(0, columns() - 1));
    this.#completed = info.completed;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    show_status("");
  }
}

/** The width of the terminal; one that was closed has none, and the server goes on. */
function columns(): number {
  try {
    return Deno.consoleSize().columns || COLUMNS;
  } catch {
    return COLUMNS;
  }
}

/** What a server is doing, in a line; of what went wrong only what there is. */
function status_of(info: ServerInfo, rate: number): string {
  const { active, waiting, completed, failed, refused, timed_out } = info;
  const faults = Object.entries({ failed, refused, "timed out": timed_out })
    .filter(([, count]) => count > 0);
  const counts = Object.entries({
    active,
    waiting,
    served: completed,
    ...Object.fromEntries(faults),
  });
  const texts = counts.map(([name, count]) => `${count.toLocaleString("en")} ${name}`);
  return [...texts, `${rate.toLocaleString("en")}/s`].join(", ");
}
