import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { file } from "../fixtures/certificates/certificates.ts";
import { bytes_of, pattern, read_to_end, same_bytes, text_of } from "../fixtures/tools/bytes.ts";
import { commands_of, is_there, output_of, Task } from "../fixtures/programs/programs.ts";
import { is_pending, soon } from "../fixtures/tools/waiting.ts";
import { TempFolder } from "../fixtures/tools/temp_folder.ts";

const [RUN, CURL, CURL_SINCE, WRK] = commands_of("http_file_server.ts");
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const windows = Deno.build.os === "windows";
const README = Deno.readTextFileSync(`${ROOT}README.md`);

/** The server, started by the command of its head, at a free port and for a directory. */
class FileServer extends Task {
  port = 0;

  static async start(directory = ".", options = ""): Promise<FileServer> {
    await using stack = new AsyncDisposableStack();
    const command = RUN!.replace("--port 8000", "--port 0").replace("1:8000", "1").replace(
      "read=.",
      "read",
    )
      .replace("--directory .", `--directory "${directory}"${options}`);
    const server = stack.use(new FileServer("--eval", command));
    const line = await server.line();
    assertMatch(line, /^Serving on https?:\/\/127\.0\.0\.1:\d+\/; Ctrl-C ends it$/);
    server.port = Number(/:(\d+)\//.exec(line)![1]);
    stack.move();
    return server;
  }

  /** A command of the head, for its port, and what it prints. */
  async output_of(command: string): Promise<string> {
    const [program, ...args] = command.replace("8000", `${this.port}`).split(" ");
    return await output_of(program!, args);
  }

  connect(): Promise<Deno.TcpConn> {
    return Deno.connect({ hostname: "127.0.0.1", port: this.port });
  }

  /** What it answers to the parts of a request, until it closes. */
  async answer(...parts: string[]): Promise<string> {
    using conn = await this.connect();
    for (const part of parts) await conn.write(bytes_of(part));
    return text_of(await read_to_end(conn));
  }
}

/** A request for the last answer of a connection. */
function get(target: string, ...fields: string[]): string {
  return `GET ${target} HTTP/1.1\r\n${
    ["Host: a", "Connection: close", ...fields].join("\r\n")
  }\r\n\r\n`;
}

/** A folder with a page, a secret beside the directory that is served, and links to it. */
async function make_site(): Promise<TempFolder> {
  const folder = await TempFolder.make();
  await Deno.mkdir(folder.join("site/folder"), { recursive: true });
  await Deno.mkdir(folder.join("site/pages"));
  await Deno.writeTextFile(folder.join("secret.txt"), "secret");
  await Deno.mkdir(folder.join("site2"));
  await Deno.writeTextFile(folder.join("site2/secret.txt"), "secret");
  await Deno.writeTextFile(folder.join("site/ten.txt"), "0123456789");
  const time = new Date(Date.parse(MODIFIED) + 500);
  await Deno.utime(folder.join("site/ten.txt"), time, time);
  await Deno.writeTextFile(folder.join("site/empty.txt"), "");
  await Deno.writeTextFile(folder.join("site/pages/index.html"), "<p>index</p>");
  await Deno.writeTextFile(folder.join("site/folder/a&b <c>.txt"), "odd");
  await Deno.mkdir(folder.join("site/no_index/index.html"), { recursive: true });
  await Deno.writeTextFile(folder.join("site/closed.txt"), "not to be read");
  if (!windows) {
    await Deno.symlink("loop", folder.join("site/loop"));
    await Deno.mkdir(folder.join("site/pipes"));
    for (const pipe of ["site/pipe", "site/pipes/index.html"]) {
      await output_of("mkfifo", [folder.join(pipe)]);
    }
    await Deno.chmod(folder.join("site/closed.txt"), 0);
    await Deno.symlink(folder.join("secret.txt"), folder.join("site/link.txt"));
    await Deno.symlink(folder.path, folder.join("site/up"));
    await Deno.symlink("ten.txt", folder.join("site/inner.txt"));
  }
  return folder;
}

/** When the file of ten bytes was modified, half a second later, and other times. */
const [EARLIER, MODIFIED, LATER] = [-1, 0, 1].map((seconds) =>
  new Date(Date.UTC(2020, 0, 1) + seconds * 1000).toUTCString()
) as [string, string, string];
const RANGE = "Range: bytes=2-4";

/** Requests with the status, and a part, of the answer: the whole class of cases in one table. */
const CASES: [what: string, request: string, status: number, part: string][] = [
  ["a file", get("/ten.txt"), 200, "\r\n\r\n0123456789"],
  ["a file with a query", get("/ten.txt?x=1"), 200, "0123456789"],
  ["an absolute target", get("http://a/ten.txt"), 200, "0123456789"],
  ["HTTP/1.0 without a host", "GET /ten.txt HTTP/1.0\r\n\r\n", 200, "connection: close"],
  ["an empty file", get("/empty.txt"), 200, "content-length: 0"],
  ["HEAD", get("/ten.txt").replace("GET", "HEAD"), 200, "content-length: 10"],
  ["a range", get("/ten.txt", "Range: bytes=2-4"), 206, "\r\n\r\n234"],
  ["its place", get("/ten.txt", "Range: bytes=2-4"), 206, "content-range: bytes 2-4/10"],
  ["a range to the end", get("/ten.txt", "Range: bytes=8-"), 206, "\r\n\r\n89"],
  ["a range past the end", get("/ten.txt", "Range: bytes=8-99"), 206, "bytes 8-9/10"],
  ["the last bytes", get("/ten.txt", "Range: bytes=-3"), 206, "\r\n\r\n789"],
  ["more last bytes than there are", get("/ten.txt", "Range: bytes=-99"), 206, "bytes 0-9/10"],
  ["a range behind the end", get("/ten.txt", "Range: bytes=10-"), 416, "bytes */10"],
  ["no last bytes", get("/ten.txt", "Range: bytes=-0"), 416, "bytes */10"],
  ["two ranges", get("/ten.txt", "Range: bytes=0-1,4-5"), 200, "\r\n\r\n0123456789"],
  ["no range", get("/ten.txt", "Range: bytes=-"), 200, "\r\n\r\n0123456789"],
  ["another unit", get("/ten.txt", "Range: lines=0-1"), 200, "\r\n\r\n0123456789"],
  ["a folder without its slash", get("/pages?x"), 301, "location: /pages/?x\r\n"],
  ["a folder after two slashes", get("//pages"), 301, "location: /pages/\r\n"],
  ["a folder with an index", get("/pages/"), 200, "<p>index</p>"],
  ["a folder whose index is a folder", get("/no_index/"), 200, 'href="index.html"'],
  ["a listing", get("/folder/"), 200, 'href="a%26b%20%3Cc%3E.txt">a&#38;b &#60;c'],
  ["an odd name", get("/folder/a%26b%20%3Cc%3E.txt"), 200, "odd"],
  ["no file", get("/none"), 404, "404 Not Found"],
  ["a file with a slash", get("/ten.txt/"), 404, ""],
  ["dots", get("/../secret.txt"), 404, ""],
  ["coded dots", get("/%2e%2e/secret.txt"), 404, ""],
  ["a coded slash", get("/..%2fsecret.txt"), 404, ""],
  ["dots within", get("/folder/../../secret.txt"), 404, ""],
  ["a backslash", get("/..\\secret.txt"), 404, ""],
  ["a coded backslash", get("/..%5csecret.txt"), 404, ""],
  ["a sibling with the same beginning", get("/..%2fsite2/secret.txt"), 404, ""],
  ["an absolute path", get("//etc/passwd"), 404, ""],
  ["a zero byte", get("/ten.txt%00"), 404, ""],
  ["what is no UTF-8", get("/%ff"), 404, ""],
  ["a coded sign cut off", get("/%e"), 404, ""],
  ["a very long name", get(`/${"a".repeat(5000)}`), 404, ""],
  ["no request line", "hello\r\n\r\n", 400, "400 Bad Request"],
  ["HTTP/0.9", "GET /ten.txt\r\n\r\n", 400, ""],
  ["HTTP/2", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 400, ""],
  ["no host", "GET / HTTP/1.1\r\n\r\n", 400, ""],
  ["a target that is no path", get("ten.txt"), 400, ""],
  ["a header without a colon", get("/", "hello"), 400, ""],
  ["a header with a space", get("/", "a : b"), 400, ""],
  ["a folded header", get("/", "a: b", " c"), 400, ""],
  ["a header without a name", get("/", ": b"), 400, ""],
  ["a name with a space in front", get("/").replace("Host", " Host"), 400, ""],
  ["an end of lines in a name", get("/", "a\nb: c"), 400, ""],
  ...["\0", "\r", "\n", "\x1b", "\x7f"].flatMap((sign): typeof CASES => [
    [`${encodeURI(sign)} in a value`, get("/", `a: b${sign}Content-Length: 42`), 400, ""],
    [`${encodeURI(sign)} before a value`, get("/", `a: ${sign}Content-Length: 42`), 400, ""],
    [`${encodeURI(sign)} in the first line`, get(`/${sign}`), 400, ""],
    [`${encodeURI(sign)} in a method`, get("/").replace("GET", `GE${sign}T`), 400, ""],
  ]),
  ["a tab, and a letter beyond ASCII, in a value", get("/ten.txt", "a: b\tc\xe9"), 200, "0123"],
  ["empty lines first", `\r\n${get("/ten.txt")}`, 200, "0123456789"],
  ["a bare end of lines first", `\n${get("/ten.txt")}`, 400, ""],
  ["two hosts", get("/", "Host: b"), 400, ""],
  ["the same host twice", get("/", "hOST: a"), 400, ""],
  ["two hosts in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400, ""],
  ["two lengths", get("/", "Content-Length: 1", "Content-Length: 2"), 400, ""],
  ["two lengths in one", get("/", "Content-Length: 0, 5"), 400, ""],
  ["a length with a sign", get("/", "Content-Length: +0"), 400, ""],
  ["a length without a number", get("/", "Content-Length:"), 400, ""],
  ["a first line that is too long", get(`/${"a".repeat(17_000)}`), 414, "414 URI Too Long"],
  ["many headers", get("/", ...Array.from({ length: 5000 }, () => "a: b")), 431, ""],
  ["100 headers", get("/ten.txt", ...Array(98).fill("a: b")), 200, "0123456789"],
  ["101 headers", get("/ten.txt", ...Array(99).fill("a: b")), 431, ""],
  ["2,700 headers", get("/ten.txt", ...Array.from({ length: 2700 }, (_, n) => `${n}:`)), 431, ""],
  ["a long header", get("/", `a: ${"b".repeat(20_000)}`), 431, ""],
  ["a first line without an end", "GET /".padEnd(100_000, "a"), 414, ""],
  ["a head without an end", "GET / HTTP/1.1\r\n".padEnd(100_000, "a: b\r\n"), 431, ""],
  ["an unknown method", get("/").replace("GET", "BREW"), 405, "allow: GET, HEAD\r\n"],
  ["a method in lower case", get("/").replace("GET", "get"), 405, ""],
  ...["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"].map((
    method,
  ): [string, string, number, string] => [
    method,
    get("/").replace("GET", method),
    405,
    "allow: GET, HEAD\r\n",
  ]),
  ["a file as new as asked", get("/ten.txt", `If-Modified-Since: ${MODIFIED}`), 304, MODIFIED],
  ["a file older than asked", get("/ten.txt", `If-Modified-Since: ${LATER}`), 304, ""],
  ["a file newer than asked", get("/ten.txt", `If-Modified-Since: ${EARLIER}`), 200, "0123456789"],
  ["a date that is none", get("/ten.txt", "If-Modified-Since: soon"), 200, "0123456789"],
  [
    "an entity tag",
    get("/ten.txt", "If-None-Match: x", `If-Modified-Since: ${LATER}`),
    200,
    "0123",
  ],
  ["a range, not modified", get("/ten.txt", RANGE, `If-Modified-Since: ${MODIFIED}`), 304, ""],
  ["a range of this version", get("/ten.txt", RANGE, `If-Range: ${MODIFIED}`), 206, "\r\n\r\n234"],
  ["a range of another one", get("/ten.txt", RANGE, `If-Range: ${EARLIER}`), 200, "0123456789"],
];
/** Those for links and pipes. */
const LINKS: typeof CASES = [
  ["a link to itself", get("/loop"), 404, ""],
  ["a pipe", get("/pipe"), 404, ""],
  ["a pipe with a slash", get("/pipe/"), 404, ""],
  ["a file below a pipe", get("/pipe/x"), 404, ""],
  ["a folder whose index is a pipe", get("/pipes/"), 200, 'href="index.html"'],
  ["a link that stays inside", get("/inner.txt"), 200, "0123456789"],
  ["a link to a file outside", get("/link.txt"), 404, ""],
  ["a link to a folder outside", get("/up/secret.txt"), 404, ""],
  ["a link to a folder outside, listed", get("/up/"), 404, ""],
];
/** Those for what only root may read. */
const CLOSED: typeof CASES = [["a closed file", get("/closed.txt"), 403, "403 Forbidden"]];

Deno.test("http_file_server.ts answers what is right, wrong and rude", async (t) => {
  await using site = await make_site();
  await using server = await FileServer.start(site.join("site"));
  const cases = [...CASES, ...windows ? [] : LINKS, ...Deno.uid() ? CLOSED : []];
  for (const [what, request, status, part] of cases) {
    await t.step(`${what}: ${status}`, async () => {
      const answer = await server.answer(request);
      assertStringIncludes(answer, `HTTP/1.1 ${status} `);
      assertStringIncludes(answer, part);
      assertEquals(answer.includes("secret"), false);
      if (request.startsWith("HEAD") || status === 304) assert(answer.endsWith("\r\n\r\n"));
    });
  }
  if (windows) return;
  server.child.kill("SIGINT");
  await server.ends_well(); // without a word about any of them
});

Deno.test("http_file_server.ts answers a request that comes byte by byte", async () => {
  await using site = await make_site();
  await using server = await FileServer.start(site.join("site"));
  assertMatch(
    await server.answer(...get("/ten.txt")),
    /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n0123456789$/,
  );
});

Deno.test("http_file_server.ts ends a head that drips in with a 408", async () => {
  await using server = await FileServer.start();
  using conn = await server.connect();
  const answer = read_to_end(conn);
  // Fewer bytes than the limit of a head, in far less than the timeout of a read each.
  let sent = 0;
  do await conn.write(bytes_of("x")); while (++sent < 300 && await is_pending(answer, 100));
  assertMatch(
    text_of(await soon(answer)),
    /^HTTP\/1\.1 408 Request Timeout\r\n[^]*connection: close/,
  );
});

Deno.test("http_file_server.ts keeps a connection, and closes it after a body", async () => {
  await using site = await make_site();
  await using server = await FileServer.start(site.join("site"));
  const kept = "GET /ten.txt HTTP/1.1\r\nHost: a\r\n\r\n";
  for (
    const field of ["Content-Length: 40", "Transfer-Encoding: chunked", "Transfer-Encoding: 0"]
  ) {
    const body = `GET /none HTTP/1.1\r\nHost: a\r\n${field}\r\n\r\n`;
    const answer = await server.answer(kept + kept + body + kept);
    assertEquals(answer.match(/HTTP\/1\.1 \d+|connection: \S+/g), [
      ...["HTTP/1.1 200", "connection: keep-alive", "HTTP/1.1 200", "connection: keep-alive"],
      ...["HTTP/1.1 404", "connection: close"],
    ]);
    assertEquals(
      (await server.answer(body.replace("GET", "POST") + kept)).match(/HTTP\/1\.1 \d+/g),
      [
        "HTTP/1.1 405",
      ],
    );
  }
});

Deno.test("http_file_server.ts closes a connection without an end of the head", async () => {
  await using server = await FileServer.start();
  using conn = await server.connect();
  await conn.write(bytes_of("GET / HTTP/1.1\r\nHost: a\r\n"));
  await conn.closeWrite();
  assertEquals(await read_to_end(conn), new Uint8Array(0));
});

Deno.test("http_file_server.ts streams a large file, whole and after a client that went", async () => {
  await using folder = await TempFolder.make();
  const large = pattern(8_000_000);
  await Deno.writeFile(folder.join("large"), large);
  await using server = await FileServer.start(folder.path);
  {
    using gone = await server.connect();
    await gone.write(bytes_of(get("/large")));
    await gone.read(new Uint8Array(1000));
  }
  const response = await fetch(`http://127.0.0.1:${server.port}/large`, {
    headers: { Connection: "close" },
  });
  assert(same_bytes(await response.bytes(), large));
});

Deno.test("http_file_server.ts closes the connection when a file shrinks meanwhile", async () => {
  await using folder = await TempFolder.make();
  const length = 64_000_000;
  await Deno.writeFile(folder.join("large"), new Uint8Array(length));
  await using server = await FileServer.start(folder.path);
  using conn = await server.connect();
  await conn.write(bytes_of("GET /large HTTP/1.1\r\nHost: a\r\n\r\n"));
  await conn.read(new Uint8Array(1));
  await Deno.truncate(folder.join("large"), 1000);
  assert((await read_to_end(conn)).length < length);
});

Deno.test({
  name: "http_file_server.ts ends cleanly at Ctrl-C, beside an idle client",
  ignore: windows,
  async fn() {
    await using server = await FileServer.start();
    using conn = await server.connect();
    await conn.write(bytes_of("GET /none HTTP/1.1\r\nHost: a\r\n\r\n"));
    await conn.read(new Uint8Array(1000));
    server.child.kill("SIGINT");
    await read_to_end(conn);
    await server.ends_well();
  },
});

/** Ranges for `curl`, and the part of the file that each of them is. */
const RANGES: [range: string, from: number, to?: number][] = [
  ["0-0", 0, 1],
  ["-5", -5],
  ["5-", 5],
  ["5-99999999", 5],
  ["0-1,4-5", 0], // more than one range: all
];

Deno.test({
  name: "curl: http_file_server.ts gives a range, a head, and nothing outside its directory",
  ignore: !is_there("curl"),
  async fn() {
    await using server = await FileServer.start();
    const url = `http://127.0.0.1:${server.port}`;
    const quiet = CURL!.replace("curl", "curl -s");
    assertEquals(await server.output_of(quiet), text_of(bytes_of(README).subarray(0, 100)));
    const head = await output_of("curl", ["-sI", `${url}/README.md`]);
    assertStringIncludes(head, `content-length: ${bytes_of(README).length}\r\n`);
    for (const [range, from, to] of RANGES) {
      const part = await output_of("curl", ["-s", "-r", range, `${url}/README.md`]);
      assertEquals(part, text_of(bytes_of(README).slice(from, to)), range);
    }
    assertMatch(await server.output_of(CURL_SINCE!.replace("curl", "curl -s")), /^HTTP\/1\.1 304 /);
    const path = `${url}/../../etc/passwd`;
    assertEquals(await output_of("curl", ["-s", "--path-as-is", path]), "404 Not Found\n");
  },
});

Deno.test({
  name: "wrk: http_file_server.ts answers thousands of requests without an error",
  ignore: !is_there("wrk"),
  async fn() {
    await using server = await FileServer.start();
    for (const connections of ["-c32", "-c300 --timeout 10s"]) {
      const command = WRK!.replace("-d5", "-d1").replace("-c32", connections);
      const printed = await server.output_of(command);
      assertMatch(printed, /\d+ requests in/);
      assert(!/Non-2xx|Socket errors/.test(printed), printed);
    }
  },
});

Deno.test({
  name: "python3: http_file_server.ts answers urllib",
  ignore: !is_there("python3"),
  async fn() {
    await using server = await FileServer.start();
    const program =
      "import sys, urllib.request as r; print(r.urlopen(sys.argv[1]).read().decode(), end='')";
    const url = `http://127.0.0.1:${server.port}/README.md`;
    assertEquals(await output_of("python3", ["-c", program, url]), README);
  },
});

Deno.test({
  name: "http_file_server.ts: curl over HTTPS, with --tls",
  ignore: !is_there("curl"),
  async fn() {
    const [localhost, ca] = ["localhost", "ca.crt"].map((name) => fileURLToPath(file(name)));
    await using server = await FileServer.start(".", ` --tls ${localhost}`);
    const url = `https://localhost:${server.port}/README.md`;
    assertEquals(await output_of("curl", ["--silent", "--cacert", ca!, url]), README);
  },
});
