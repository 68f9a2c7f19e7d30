import { assertEquals, assertMatch, assertNotEquals, assertStringIncludes } from "@std/assert";
import { Monitor, type MonitorOptions } from "../../../operation/monitor/mod.ts";
import { Queue } from "../../../concurrency/queue/mod.ts";
import { StandardError } from "../../fixtures/tools/standard_error.ts";
import { get, status_of, url_of } from "./monitoring.ts";

const PATHS = ["/", "/events", "/info", "/metrics", "/health"];

function monitor(options: MonitorOptions = {}): Monitor {
  return new Monitor(new Queue(), options);
}

Deno.test("A loopback page answers who asks for it by a name of its own machine", async () => {
  await using page = monitor();
  for (const host of ["127.0.0.1", "localhost:8080", "LOCALHOST", "[::1]:99"]) {
    assertEquals(await status_of(page, "GET /health HTTP/1.1", `Host: ${host}`), 200, host);
  }
});

Deno.test("A name that was made to lead to a loopback page gets nothing (DNS rebinding)", async () => {
  await using page = monitor();
  const hosts = [
    "evil.example",
    "evil.example:80",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "127.0.0.1@evil.example",
    "evil.example#127.0.0.1",
    "127.1",
    "",
  ];
  for (const path of PATHS) {
    for (const host of hosts) {
      assertEquals(await status_of(page, `GET ${path} HTTP/1.1`, `Host: ${host}`), 403, host);
    }
    assertEquals(await status_of(page, `GET ${path} HTTP/1.1`), 403);
    const whole = `GET http://127.0.0.1${path} HTTP/1.1`;
    assertEquals(await status_of(page, whole, "Host: evil.example"), 403);
  }
});

Deno.test("Only GET and HEAD are answered, and HEAD without a body", async () => {
  await using page = monitor();
  for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"]) {
    const { status, headers } = await get(page, "/info", { method });
    assertEquals([status, headers.get("allow")], [405, "GET, HEAD"], method);
  }
  for (const path of PATHS) {
    const { status, text } = await get(page, path, { method: "HEAD" });
    assertEquals([status, text], [200, ""], path);
  }
  assertEquals((await get(page, "/nothing")).status, 404);
});

Deno.test("No answer is kept, guessed at, or used by other sites", async () => {
  await using page = monitor();
  await using secret = monitor({ token: "secret" });
  for (const path of [...PATHS.filter((path) => path !== "/events"), "/nothing"]) {
    for (const { headers } of [await get(page, path), await get(secret, path)]) {
      assertStringIncludes(headers.get("cache-control")!, "no-store");
      assertEquals(headers.get("x-content-type-options"), "nosniff");
      assertEquals(headers.get("referrer-policy"), "no-referrer");
      assertEquals(headers.get("cross-origin-resource-policy"), "same-origin");
      assertEquals(headers.get("access-control-allow-origin"), null);
      const policy = headers.get("content-security-policy")!;
      assertMatch(policy, /^default-src 'none'; style-src 'sha256-[^ ]+'; script-src 'sha256-/);
      assertStringIncludes(policy, "frame-ancestors 'none'");
      assertEquals(policy.includes("unsafe"), false);
    }
  }
});

Deno.test("With a token nothing is told without it, wherever it is shown", async () => {
  await using page = monitor({ token: "s3cret/ä+ " });
  const encoded = encodeURIComponent("s3cret/ä+ ");
  const { port } = page.address;
  for (const path of PATHS) {
    const { status, headers } = await get(page, path);
    assertEquals([status, headers.get("www-authenticate")], [401, 'Bearer realm="monitor"']);
    const wrong = [
      await get(page, `${path}?token=s3cret`),
      await get(page, path, { headers: { authorization: "Bearer s3cret" } }),
      await get(page, path, { headers: { authorization: `Basic ${encoded}` } }),
      await get(page, path, { headers: { cookie: `monitor_${port}=s3cret` } }),
      await get(page, path, { headers: { cookie: `monitor_1=${encoded}` } }),
      await get(page, path, { headers: { cookie: `monitor_${port}=%` } }),
    ];
    assertEquals(wrong.map(({ status }) => status), Array(6).fill(401), path);
  }
  const right = [
    await get(page, `/health?token=${encoded}`),
    await get(page, "/health", { headers: { cookie: `a=b; monitor_${port}=${encoded}` } }),
  ];
  assertEquals(right.map(({ status }) => status), [200, 200]);
});

Deno.test("A token may be shown as a bearer, as Prometheus does", async () => {
  await using page = monitor({ token: "s3cret" });
  const headers = { authorization: "Bearer s3cret" };
  assertEquals((await get(page, "/metrics", { headers })).status, 200);
});

Deno.test("The token of the page's address becomes a cookie, and leaves the address", async () => {
  await using page = monitor({ token: "s3cret" });
  const { status, headers } = await get(page, "/?token=s3cret");
  assertEquals([status, headers.get("location")], [303, "./"]);
  const cookie = headers.get("set-cookie")!;
  assertMatch(cookie, /^monitor_\d+=s3cret; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax$/);
  const shown = { headers: { cookie: cookie.split(";")[0]! } };
  assertStringIncludes((await get(page, "/", shown)).text, "<title>Monitor</title>");
});

Deno.test("With a token the name does not matter: a proxy has one of its own", async () => {
  await using page = monitor({ token: "s3cret" });
  const lines = ["GET /health HTTP/1.1", "Host: monitor.example", "Authorization: Bearer s3cret"];
  assertEquals(await status_of(page, ...lines), 200);
});

Deno.test("An address that others reach has a random token, which is printed once", async () => {
  using printed = new StandardError();
  await using one = monitor({ hostname: "0.0.0.0" });
  await using other = monitor({ hostname: "" });
  const lines = (await printed.all()).trimEnd().split("\n");
  const tokens = lines.map((line) => /\?token=([\w-]{32})$/.exec(line)?.[1]);
  assertEquals(lines.length, 2);
  assertNotEquals(tokens[0], tokens[1]);
  assertStringIncludes(lines[0]!, `http://127.0.0.1:${one.address.port}/?token=`);
  for (const [at, page] of [one, other].entries()) {
    const paths = [`/health?token=${tokens[at]}`, `/health?token=${tokens[1 - at]}`, "/health"];
    const answers = await Promise.all(paths.map((path) => get(page, path)));
    assertEquals(answers.map(({ status }) => status), [200, 401, 401]);
  }
});

Deno.test("A token that is given is not printed", async () => {
  using printed = new StandardError();
  await using page = monitor({ hostname: "0.0.0.0", token: "s3cret" });
  assertEquals((await get(page, "/health?token=s3cret")).status, 200);
  assertEquals(await printed.all(), "");
  assertEquals(url_of(page).includes("s3cret"), false);
});
