/**
 * Serves the files below a directory, and lists its folders, over HTTP/1.1, as `python3 -m http.server`
 * does, with ranges and keep-alive. Workers stream the files, on all cores. Ctrl-C
 * ends it. With `--tls server` it speaks HTTPS, with the certificate server.crt and the key server.key.
 *
 * ```sh
 * deno run --allow-net=127.0.0.1:8000 --allow-read=. examples/http_file_server.ts --port 8000 \
 *   --directory .
 * curl -r 0-99 http://127.0.0.1:8000/README.md
 * curl -z README.md -I http://127.0.0.1:8000/README.md   # 304: what is here is not older
 * wrk -t1 -c32 -d5 http://127.0.0.1:8000/README.md
 * ```
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { STATUS_CODES } from "node:http";
import { StreamRequestHandler, ThreadingTCPServer } from "../mod.ts";
import { answer_to, page } from "./http_answers.ts";
import { type HTTPRequest, parse } from "./http_request.ts";
import { tls_of } from "./command_line.ts";
import { BRIEF } from "./limits.ts";

const MAX_HEAD = 16_384; // bytes
/** What a client is told of an error. Other errors are the server's own. */
const CODES: Record<string, number> = {
  InvalidData: 431,
  NotADirectory: 404, // it was one a moment ago
  NotFound: 404,
  PermissionDenied: 403,
  SyntaxError: 400,
  TimedOut: 408,
  URIError: 414,
};

/** Answers the requests of a connection, one after the other. */
export class FileHandler extends StreamRequestHandler {
  static override timeout = 30_000;
  static override read_deadline = 10_000; // for a whole head

  override async handle(): Promise<void> {
    try {
      while ((await this.rfile.peek(1)).length > 0 && await this.#serve());
    } catch (error) {
      if (!(error instanceof Deno.errors.TimedOut)) throw error;
    }
  }

  /** Answers a request; `false` if it is the last one. */
  async #serve(): Promise<boolean> {
    let request: HTTPRequest | undefined;
    let answer: Response;
    try {
      request = parse(await this.#head());
      answer = await answer_to(request);
    } catch (error) {
      const status = CODES[(error as Error).name];
      if (status === undefined) throw error;
      answer = page(status);
    }
    const last = /close/i.test(request?.headers.get("connection") ?? "close");
    answer.headers.set("connection", last || this.signal.aborted ? "close" : "keep-alive");
    answer.headers.set("date", new Date().toUTCString());
    return await this.#send(answer, request?.method === "HEAD");
  }

  /** The next head. If it is too long, perhaps already its first line is. */
  async #head(): Promise<Uint8Array> {
    try {
      return await this.rfile.readuntil("\r\n\r\n", MAX_HEAD);
    } catch (error) {
      if (!(error instanceof Deno.errors.InvalidData)) throw error;
      if ((await this.rfile.peek(MAX_HEAD)).includes(10)) throw error;
      throw new URIError("The first line is too long", { cause: error });
    }
  }

  /** Sends an answer; `false` if it was the last one, or its file has shrunk: closing shows that. */
  async #send({ status, headers, body }: Response, without_body: boolean): Promise<boolean> {
    const lines = [...headers].map(([name, value]) => `${name}: ${value}\r\n`).join("");
    await this.wfile.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines}\r\n`);
    let left = without_body ? 0 : Number(headers.get("content-length"));
    for await (const chunk of body ?? []) {
      await this.wfile.write(chunk.subarray(0, left));
      if ((left -= chunk.length) <= 0) break; // and the file is closed
    }
    return left <= 0 && headers.get("connection") !== "close";
  }
}

if (import.meta.main) {
  const { port = 8000, directory = ".", tls: name } = parseArgs(Deno.args);
  const tls = tls_of(name);
  Deno.chdir(`${directory}`); // for the workers, too
  await using server = new ThreadingTCPServer(["127.0.0.1", port], FileHandler, { ...BRIEF, tls });
  const serving = server.serve_forever({ stop_on: ["SIGINT", "SIGTERM"] });
  console.log(
    `Serving on ${
      tls ? "https" : "http"
    }://127.0.0.1:${server.server_address.port}/; Ctrl-C ends it`,
  );
  await serving;
}
