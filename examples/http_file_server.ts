/**
 * Serves the files below a directory, and lists its folders, over HTTP/1.1, as `python3 -m http.server`
 * does, with ranges and keep-alive. Workers stream the files, on all cores. Ctrl-C
 * ends it.
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
import { extname, join } from "node:path";
import { StreamRequestHandler, ThreadingTCPServer } from "../mod.ts";
import { BRIEF } from "./limits.ts";
import { has_it, type HTTPRequest, parse, range_of } from "./http_request.ts";

const MAX_HEAD = 16_384; // bytes
/** What a client is told of an error. Other errors are the server's own. */
const CODES: Record<string, number> = {
  InvalidData: 431,
  NotFound: 404,
  PermissionDenied: 403,
  SyntaxError: 400,
  TimedOut: 408,
};
const TYPES = new Map([[".css", "text/css"], [".html", "text/html"], [".js", "text/javascript"]]);

/** Answers the requests of a connection, one after the other. */
export class FileHandler extends StreamRequestHandler {
  static override timeout = 30_000;
  static override read_deadline = 10_000; // for a whole head
  static override wbufsize = -1; // a head and a small file are sent as one

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
      request = parse(await this.rfile.readuntil("\r\n\r\n", MAX_HEAD));
      answer = await answer_to(request);
    } catch (error) {
      const status = CODES[(error as Error).name];
      if (status === undefined) throw error;
      // The head is too long, perhaps already its first line.
      answer = page(
        status === 431 && !(await this.rfile.peek(MAX_HEAD)).includes(10) ? 414 : status,
      );
    }
    const last = /close/i.test(request?.headers.get("connection") ?? "close");
    answer.headers.set("connection", last || this.signal.aborted ? "close" : "keep-alive");
    answer.headers.set("date", new Date().toUTCString());
    return await this.#send(answer, request?.method === "HEAD");
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
    await this.wfile.flush();
    return left <= 0 && headers.get("connection") !== "close";
  }
}

async function answer_to(request: HTTPRequest): Promise<Response> {
  if (!/^(GET|HEAD)$/.test(request.method)) return page(405, { allow: "GET, HEAD" });
  const { pathname, search } = request.url;
  const path = await find(pathname);
  if (!path) return page(404);
  const as_folder = pathname.endsWith("/");
  const { isFile } = await Deno.stat(path);
  if (isFile) return as_folder ? page(404) : await file_page(path, request);
  const location = `${pathname.replace(/^\/+/, "/")}/${search}`; // `//` would be another host
  if (!as_folder) return page(301, { location });
  const index = await find(`${pathname}index.html`);
  return index ? await file_page(index, request) : await listing(path);
}

/** The real path of a file or folder; `undefined` outside of the directory, also through links. */
async function find(pathname: string): Promise<string | undefined> {
  try {
    const path = await Deno.realPath(join(Deno.cwd(), decodeURIComponent(pathname)));
    return join(path, "/").startsWith(join(Deno.cwd(), "/")) ? path : undefined;
  } catch {
    return undefined; // whatever the reason, as in Python
  }
}

/** A file, all of it or a part. */
async function file_page(path: string, { headers: asked }: HTTPRequest): Promise<Response> {
  const { size, mtime } = await Deno.stat(path);
  const modified = mtime!.toUTCString();
  const common = { "accept-ranges": "bytes", "last-modified": modified };
  if (has_it(asked, modified)) return new Response(null, { status: 304, headers: common });
  const range = range_of(asked, size, modified);
  const [start, end] = range ?? [0, size];
  if (range && start >= end) return page(416, { "content-range": `bytes */${size}` });
  const file = await Deno.open(path);
  await file.seek(start, Deno.SeekMode.Start);
  const headers = {
    ...common,
    "content-length": `${end - start}`,
    "content-type": TYPES.get(extname(path)) ?? "application/octet-stream",
    ...(range && { "content-range": `bytes ${start}-${end - 1}/${size}` }),
  };
  return new Response(file.readable, { status: range ? 206 : 200, headers });
}

async function listing(path: string): Promise<Response> {
  const entries = await Array.fromAsync(Deno.readDir(path));
  const items = entries.map(({ name }) => {
    const text = name.replace(/[&<]/g, (sign) => `&#${sign.charCodeAt(0)};`);
    return `<li><a href="${encodeURIComponent(name)}">${text}</a></li>\n`;
  });
  const html = `<!DOCTYPE html>\n<meta charset="utf-8">\n${items.sort().join("")}`;
  return page(200, { "content-type": "text/html" }, html);
}

function page(status: number, more = {}, text = `${status} ${STATUS_CODES[status]}\n`): Response {
  const body = new TextEncoder().encode(text);
  const headers = { "content-type": "text/plain", "content-length": `${body.length}`, ...more };
  return new Response(body, { status, headers });
}

if (import.meta.main) {
  const { port = 8000, directory = "." } = parseArgs(Deno.args);
  Deno.chdir(`${directory}`); // for the workers, too
  await using server = new ThreadingTCPServer(["127.0.0.1", port], FileHandler, BRIEF);
  const serving = server.serve_forever({ stop_on: ["SIGINT", "SIGTERM"] });
  console.log(`Serving on http://127.0.0.1:${server.server_address.port}/; Ctrl-C ends it`);
  await serving;
}
