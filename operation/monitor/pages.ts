import { setImmediate } from "node:timers/promises";

/** How often open pages are told what is new, in ms. */
const INTERVAL = 1000;
/** When a page that has lost its stream tries again, in ms. */
const RETRY = 2000;
/** How many are told in one turn of the event loop. */
const AT_ONCE = 10;
/** How many pages may be open at once: each costs a connection. */
const MAX_PAGES = 1000;

const ENCODER = new TextEncoder();

/** The stream of an open page. */
type Stream = ReadableStreamDefaultController<Uint8Array>;

/**
 * The pages that are open, each with a stream of events (SSE). All are told the same, once a second; without a page
 * nothing is asked and no timer runs.
 */
export class Pages {
  #news: (late: number) => unknown;
  #failed: (error: unknown) => void;
  #streams: Set<Stream> = new Set();
  #timer: ReturnType<typeof setInterval> | undefined;
  #due = 0;
  /** What was told last: a page that is opened begins with that. */
  #latest: Uint8Array = new Uint8Array(0);
  #closed = false;

  /**
   * @param news What is new, as JSON can have it; told how late the event loop is, in ms.
   * @param failed Told what that throws.
   */
  constructor(news: (late: number) => unknown, failed: (error: unknown) => void) {
    this.#news = news;
    this.#failed = failed;
  }

  /** The stream for one more page; `undefined` if there are too many, or all are closed. */
  open(): ReadableStream<Uint8Array> | undefined {
    if (this.#closed || this.#streams.size >= MAX_PAGES) return;
    if (this.#timer === undefined) this.#start();
    let stream: Stream;
    return new ReadableStream({
      start: (controller) => {
        stream = controller;
        stream.enqueue(this.#latest);
        this.#streams.add(stream);
      },
      cancel: () => this.#left(stream),
    });
  }

  /** Ends all streams; the pages are told that nothing more comes. */
  close(): void {
    this.#closed = true;
    this.#stop();
    for (const stream of this.#streams) {
      stream.enqueue(ENCODER.encode("event: bye\ndata:\n\n"));
      // One whose page was cut has left now.
      if (this.#streams.has(stream)) stream.close();
    }
    this.#streams.clear();
  }

  #start(): void {
    this.#latest = event(this.#news(0));
    this.#due = performance.now() + INTERVAL;
    this.#timer = setInterval(() => void this.#tell(), INTERVAL);
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #left(stream: Stream): void {
    this.#streams.delete(stream);
    if (this.#streams.size === 0) this.#stop();
  }

  async #tell(): Promise<void> {
    const now = performance.now();
    const late = Math.max(now - this.#due, 0);
    this.#due = now + INTERVAL;
    try {
      this.#latest = event(this.#news(late));
    } catch (error) {
      return this.#failed(error);
    }
    let told = 0;
    for (const stream of [...this.#streams]) {
      // Requests have their turns in between.
      if (++told % AT_ONCE === 0) await setImmediate();
      // A page that does not read misses what is old by the time it does.
      if (this.#streams.has(stream) && stream.desiredSize! > 0) stream.enqueue(this.#latest);
    }
  }
}

function event(news: unknown): Uint8Array {
  return ENCODER.encode(`retry: ${RETRY}\ndata: ${JSON.stringify(news)}\n\n`);
}
