import { text_of } from "../../internal/runtime/error_text.ts";
import { print } from "../../internal/runtime/standard_error.ts";
import { Gate } from "./gate.ts";
import { PAGE, POLICY } from "./page.ts";
import { Pages } from "./pages.ts";

/** How long, in ms, open pages may take to hear that it is over: one that does not read never would. */
const LAST_WORD = 250;

/** What each answer says: nobody keeps it, guesses its type, or uses it elsewhere. */
const HEADERS = {
  "cache-control": "no-store, no-transform",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "content-security-policy": POLICY,
};

/** Where the page is, and what is to be shown to see it. */
export interface Place {
  hostname: string;
  port: number;
  token: string | undefined;
}

/** What there is to tell. */
export interface Told {
  /** For the page, by how much the event loop is late, in ms. */
  news(late: number): unknown;
  /** For programs, as JSON. */
  info(): string;
  /** For Prometheus. */
  metrics(): string;
  /** Why no requests are taken, if none are. */
  unfit(): string | undefined;
}

/** The page and what programs ask for, over HTTP. */
export class Site {
  #http: Deno.HttpServer<Deno.NetAddr>;
  #end: AbortController = new AbortController();
  #gate: Gate;
  #told: Told;
  #pages: Pages;
  /** Answers that are streams, until they are sent to their end. */
  #streaming: Set<Promise<void>> = new Set();
  #closed: Promise<void> | undefined;

  constructor({ hostname, port, token }: Place, told: Told) {
    this.#told = told;
    this.#pages = new Pages((late) => told.news(late), (error) => this.#failed(error));
    this.#http = Deno.serve({
      hostname,
      port,
      signal: this.#end.signal,
      onListen() {},
      onError: (error) => this.#failed(error),
    }, (request, { completed }) => this.#answer(request, completed));
    this.#http.unref();
    this.#gate = new Gate(hostname, this.address.port, token);
  }

  get address(): Deno.NetAddr {
    return this.#http.addr;
  }

  /** Ends streams, listening and connections. */
  close(): Promise<void> {
    return this.#closed ??= this.#close();
  }

  async #close(): Promise<void> {
    this.#pages.close();
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, LAST_WORD);
    await Promise.race([Promise.allSettled(this.#streaming), late]);
    clearTimeout(timer);
    this.#http.ref();
    // Not shutdown(): that waits for ever for a client that does not read.
    this.#end.abort();
    await this.#http.finished;
  }

  #answer(request: Request, completed: Promise<void>): Response {
    const answer = this.#gate.check(request) ?? this.#content(request, completed);
    for (const [name, value] of Object.entries(HEADERS)) answer.headers.set(name, value);
    return answer;
  }

  #content({ method, url }: Request, completed: Promise<void>): Response {
    switch (URL.parse(url)?.pathname) {
      case "/":
        return text(PAGE, "text/html");
      case "/events":
        return method === "HEAD" ? text("", "text/event-stream") : this.#stream(completed);
      case "/info":
        return text(this.#told.info(), "application/json");
      case "/metrics":
        return text(this.#told.metrics(), "text/plain; version=0.0.4");
      case "/health": {
        const why = this.#told.unfit();
        return text(`${why ?? "ok"}\n`, "text/plain", why === undefined ? 200 : 503);
      }
      default:
        return text(
          "There is nothing here: /, /info, /metrics and /health are.\n",
          "text/plain",
          404,
        );
    }
  }

  #stream(completed: Promise<void>): Response {
    const stream = this.#pages.open();
    if (!stream) return text("No more pages can be opened.\n", "text/plain", 503);
    const over = completed.catch(() => {}).finally(() => this.#streaming.delete(over));
    this.#streaming.add(over);
    return text(stream, "text/event-stream");
  }

  #failed(error: unknown): Response {
    print(`The monitor failed: ${text_of(error)}`);
    return new Response("The monitor failed.\n", { status: 500, headers: HEADERS });
  }
}

function text(body: string | ReadableStream<Uint8Array>, type: string, status = 200): Response {
  return new Response(body, { status, headers: { "content-type": `${type}; charset=utf-8` } });
}
