/** What the tests of the monitor ask it, as browsers and programs do. */
import type { Monitor } from "../../../operation/monitor/mod.ts";
import { bytes_of, text_of, write_bytes } from "../../fixtures/tools/bytes.ts";
import { soon, until } from "../../fixtures/tools/waiting.ts";

/** Where it is, as browsers have it. */
export function url_of({ address: { hostname, port } }: Monitor, path = "/"): string {
  return `http://${hostname}:${port}${path}`;
}

/** An answer whose text is read. */
export interface Answer {
  status: number;
  headers: Headers;
  text: string;
}

/** Asks for something; is led nowhere else. */
export async function get(monitor: Monitor, path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await soon(fetch(url_of(monitor, path), { redirect: "manual", ...init }));
  const { status, headers } = response;
  return { status, headers, text: await soon(response.text()) };
}

/** Connects to it. */
export function connect({ address: { hostname, port } }: Monitor): Promise<Deno.TcpConn> {
  return soon(Deno.connect({ hostname, port }));
}

/** Sends a request as it is written, and gives the status of the answer. */
export async function status_of(monitor: Monitor, ...lines: string[]): Promise<number> {
  using conn = await connect(monitor);
  await write_bytes(conn, bytes_of([...lines, "Connection: close", "", ""].join("\r\n")));
  const answer = await soon(new Response(conn.readable).text());
  return Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);
}

/** The stream of an open page. */
export class OpenPage implements AsyncDisposable {
  #reader: ReadableStreamDefaultReader<Uint8Array>;

  private constructor(reader: ReadableStreamDefaultReader<Uint8Array>) {
    this.#reader = reader;
  }

  static async open(monitor: Monitor): Promise<OpenPage> {
    const response = await soon(fetch(url_of(monitor, "/events")));
    return new OpenPage(response.body!.getReader());
  }

  /** The next piece; `undefined` at the end. */
  async next(): Promise<string | undefined> {
    const { value } = await soon(this.#reader.read());
    return value && text_of(value);
  }

  /** What is told when something is so. */
  // deno-lint-ignore no-explicit-any
  async news(wanted: (news: any) => boolean): Promise<any> {
    // deno-lint-ignore no-explicit-any
    let news: any;
    await until(async () => {
      const piece = await this.next();
      news = JSON.parse(/^data: (.*)$/m.exec(piece!)![1]!);
      return wanted(news);
    });
    return news;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader.cancel();
  }
}
