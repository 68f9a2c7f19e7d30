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

/** More of them take long: each new one is compared with those before. */
const MAX_FIELDS = 100;
/** A header line: a name, and a value without a control character but tabs. */
const FIELD = /^[!#$%&'*+.^_`|~\w-]+:[\t -~\x80-\xff]*$/;

/**
 * The request with this head. With HTTP/1.0, or a body to skip, the connection is to close. What a proxy
 * in front might read in another way is refused: it could hide a second request.
 *
 * @throws {SyntaxError} If it is malformed.
 * @throws {Deno.errors.InvalidData} If it has too many header lines.
 */
export function parse(head: Uint8Array): HTTPRequest {
  const [first, ...lines] = String.fromCharCode(...head).replace(/^(\r\n)+|\r\n\r\n$/g, "")
    .split("\r\n");
  if (lines.length > MAX_FIELDS) throw new Deno.errors.InvalidData("Too many header lines");
  try {
    const [, method, target, minor] = /^([!-~]+) ([!-~]+) HTTP\/1\.(\d)$/.exec(first!)!;
    if (!lines.every((line) => FIELD.test(line))) throw new SyntaxError("A header is malformed");
    const headers = new Headers(lines.map((line) => line.split(/:(.*)/, 2) as [string, string]));
    const hosts = lines.filter((line) => /^host:/i.test(line)).length;
    if (hosts > 1 || (hosts < 1 && minor !== "0")) throw new SyntaxError("There must be one host");
    const length = headers.get("content-length") ?? "0";
    if (!/^\d+$/.test(length)) throw new SyntaxError("A length must be one number");
    const last = minor === "0" || headers.has("transfer-encoding") || Number(length) > 0;
    headers.append("connection", last ? "close" : "keep-alive");
    return { method: method!, url: new URL(target!.replace(/^\//, "http://host/")), headers };
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
