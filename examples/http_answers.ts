/**
 * What http_file_server.ts answers: files and folders of the working directory, and errors. Nothing here
 * knows a socket.
 *
 * @module
 */
import { STATUS_CODES } from "node:http";
import { extname, join } from "node:path";
import { has_it, type HTTPRequest, range_of } from "./http_request.ts";

const TYPES = new Map([[".css", "text/css"], [".html", "text/html"], [".js", "text/javascript"]]);

/** What a request is answered. Errors are those of reading files. */
export async function answer_to(request: HTTPRequest): Promise<Response> {
  if (!/^(GET|HEAD)$/.test(request.method)) return page(405, { allow: "GET, HEAD" });
  const { pathname, search } = request.url;
  const path = await find(pathname);
  if (!path) return page(404);
  const as_folder = pathname.endsWith("/");
  const { isFile, isDirectory } = await Deno.stat(path);
  if (isFile) return as_folder ? page(404) : await file_page(path, request);
  if (!isDirectory) return page(404); // to open a pipe or a device could wait for ever
  const location = `${pathname.replace(/^\/+/, "/")}/${search}`; // `//` would be another host
  if (!as_folder) return page(301, { location });
  const index = await find(`${pathname}index.html`);
  const has_index = index && (await Deno.stat(index)).isFile;
  return has_index ? await file_page(index, request) : await listing(path);
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

/** A short answer: what a status means, unless there is more to say. */
export function page(
  status: number,
  more = {},
  text = `${status} ${STATUS_CODES[status]}\n`,
): Response {
  const body = new TextEncoder().encode(text);
  const headers = { "content-type": "text/plain", "content-length": `${body.length}`, ...more };
  return new Response(body, { status, headers });
}
