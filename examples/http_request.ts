/**
 * What the clients of http_file_server.ts ask for, read as RFC 9110 and RFC 9112 say. Nothing here knows
 * a socket or a file.
 *
 * @module
 */

export interface HTTPRequest {
  method: string;
  url: URL;
  headers: Headers;
}

/** The request with this head. With HTTP/1.0, or a body to skip, the connection is to close. */
export function parse(head: Uint8Array): HTTPRequest {
  try {
    const [first, ...lines] = String.fromCharCode(...head).trim().split("\r\n");
    const [, method = "", target = "", minor] = /^(\S+) ([!-~]+) HTTP\/1\.(\d)$/.exec(first!)!;
    const headers = new Headers(lines.map((line) => line.split(/:(.*)/s, 2) as [string, string]));
    if (minor !== "0" && !headers.has("host")) throw new SyntaxError("A host is missing");
    const body = headers.has("transfer-encoding") ? "?" : headers.get("content-length") ?? "0";
    headers.append("connection", minor === "0" || body !== "0" ? "close" : "keep-alive");
    return { method, url: new URL(target.replace(/^\//, "http://host/")), headers };
  } catch (cause) {
    throw new SyntaxError("Cannot understand the request", { cause });
  }
}

/** Whether the client already has what was last modified at that time. */
export function has_it(headers: Headers, modified: string): boolean {
  // With an entity tag, dates do not count; here no file has one.
  if (headers.has("if-none-match")) return false;
  return Date.parse(modified) <= Date.parse(headers.get("if-modified-since") ?? "");
}

/** The range that is asked for: none, or an empty one, if its end is not behind its start. */
export function range_of(
  headers: Headers,
  size: number,
  modified: string,
): [start: number, end: number] | undefined {
  // A client that has a part of another version gets all of this one.
  if ((headers.get("if-range") ?? modified) !== modified) return undefined;
  const match = /^bytes=(?:(\d+)-(\d*)|-(\d+))$/i.exec(headers.get("range") ?? "");
  if (!match) return undefined; // for several ranges, too, all is sent
  const [, first, last, count] = match;
  const start = first ? Number(first) : Math.max(0, size - Number(count));
  return [start, last ? Math.min(Number(last) + 1, size) : size];
}
