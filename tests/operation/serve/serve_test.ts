/** The program that makes a server of a file with a handler, run as people run it, with real clients. */
import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { connect_tls, file, pem } from "../../fixtures/certificates/certificates.ts";
import { ask, line_or_end, LineClient, or_end } from "../../fixtures/clients/clients.ts";
import { ask_udp, DatagramClient } from "../../fixtures/clients/datagrams.ts";
import { ending_of, is_there, output_of } from "../../fixtures/programs/programs.ts";
import { address_in, SERVE, Served, Supervised, Told } from "../../fixtures/programs/served.ts";
import { served_files } from "../../fixtures/programs/served_files.ts";
import { at_once } from "../../fixtures/tools/at_once.ts";
import { write_bytes } from "../../fixtures/tools/bytes.ts";
import type { TempFolder } from "../../fixtures/tools/temp_folder.ts";
import { soon } from "../../fixtures/tools/waiting.ts";

/** It is stopped by SIGTERM, which Windows does not have. */
const ignore = Deno.build.os === "windows";

const LOOPBACK = ["--port", "0"];

/** The path of a certificate. */
const path_of = (name: string) => fileURLToPath(file(name));

/** Where a handler runs, as it says itself. */
type Place = "here" | "in a worker" | "in a child";

/** Ways of running a file, and what the first line says. */
const WAYS: [words: string[], said: RegExp, place: Place][] = [
  [["upper.ts"], /^UpperHandler on 127\.0\.0\.1:\d+, async \(Ctrl-C stops it\)$/, "here"],
  [["upper.ts", "--async", "--host", "localhost"], /^UpperHandler on .*, async /, "here"],
  [
    ["upper.ts", "--threading", "--max-workers", "1"],
    /^UpperHandler on 127\.0\.0\.1:\d+, threading, 1 worker \(Ctrl-C stops it\)$/,
    "in a worker",
  ],
  [["default.ts", "--threading"], /^\S+\/default\.ts on .*, threading, /, "in a worker"],
  [["two.ts", "Second", "--threading"], /^Second on .*, threading, /, "in a worker"],
  [["derived.ts", "--threading"], /^Derived on .*, threading, /, "in a worker"],
  [
    ["--forking", "two.ts", "Second", "--max-children", "3"],
    /^Second on .*, forking, up to 3 at once /,
    "in a child",
  ],
];

Deno.test("serve: by name, default or only export, in each of the three ways", {
  ignore,
}, async () => {
  await using folder = await served_files();
  await at_once(WAYS, ([words]) => words.join(" "), async ([words, said, place]) => {
    await using served = new Served([...in_folder(folder, words), ...LOOPBACK]);
    const line = await served.line();
    assertMatch(line, said);
    const [text, pid, thread] = (await ask(address_in(line), "hello"))!.split(" ");
    assertEquals(text, "HELLO");
    assertEquals(Number(pid) !== served.child.pid, place === "in a child");
    assertEquals(thread !== "0", place === "in a worker");
    await served.stops();
  });
});

/** Words in which files are in a folder. */
function in_folder(folder: TempFolder, words: string[]): string[] {
  return words.map((word) => word.endsWith(".ts") ? folder.join(word) : word);
}

Deno.test("serve: a file at a URL, in workers too; a relative path", { ignore }, async () => {
  await using folder = await served_files();
  const headers = { "content-type": "text/typescript" };
  await using site = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async ({ url }) =>
      new Response(await Deno.readTextFile(folder.join(new URL(url).pathname)), { headers }),
  );
  const url = `http://127.0.0.1:${site.addr.port}/plain.ts`;
  await at_once(["--async", "--threading"], (way) => way, async (way) => {
    await using served = new Served([url, way, ...LOOPBACK], ["--no-lock", "--quiet"]);
    assertEquals(await ask(await served.address(), "") !== "0", way === "--threading");
    await served.stops();
  });
  const words = ["tests/fixtures/handlers/handlers.ts", "UpperHandler"];
  await using served = new Served([...words, ...LOOPBACK]);
  assertEquals(await ask(await served.address(), "hello"), "HELLO");
});

Deno.test("serve: UDP, Unix sockets, and Unix datagrams", { ignore }, async () => {
  await using folder = await served_files();
  const [upper, packets] = ["upper.ts", "packets.ts"].map((name) => folder.join(name)) as [
    string,
    string,
  ];
  const unix = async () => {
    const path = folder.join("upper.sock");
    await using served = new Served([upper, "--unix", path]);
    assertEquals(await served.line(), `UpperHandler on ${path}, async (Ctrl-C stops it)`);
    using client = await LineClient.connect({ transport: "unix", path });
    assertMatch((await client.ask("hello"))!, /^HELLO /);
    client[Symbol.dispose]();
    await served.stops();
  };
  const udp = async () => {
    await using served = new Served([packets, "--udp", "--threading", ...LOOPBACK]);
    const { hostname, port } = await served.address();
    assertEquals(await ask_udp({ transport: "udp", hostname, port }, "hello"), "HELLO");
    await served.stops();
  };
  const unix_datagrams = async () => {
    const path = folder.join("packets.sock");
    await using served = new Served([packets, "--udp", "--unix", path], ["--unstable-net"]);
    await served.line();
    using client = new DatagramClient(
      { transport: "unixpacket", path },
      folder.join("client.sock"),
    );
    assertEquals(await client.ask("hello"), "HELLO");
    await served.stops();
  };
  await at_once([unix, udp, unix_datagrams], ({ name }) => name, (run) => run());
});

Deno.test("serve --fd: a socket that the program was started with", {
  ignore: ignore || !is_there("python3"),
}, async () => {
  await using folder = await served_files();
  await at_once(["systemd", "3"], (which) => which, async (which) => {
    const words = [folder.join("upper.ts"), "--fd", which];
    await using supervised = new Supervised("run", "-A", SERVE, ...words);
    const port = Number(await supervised.line());
    const address = { transport: "tcp", hostname: "127.0.0.1", port } as const;
    assertMatch((await ask(address, "hello"))!, /^HELLO /);
    await supervised.child.stdin.close();
    assertEquals(await supervised.line(), "0");
    assertEquals((await supervised.status()).code, 0);
  });
});

Deno.test("serve: a file's own server, whose methods handlers call, with its own settings", {
  ignore,
}, async () => {
  await using folder = await served_files();
  await using served = new Served([folder.join("counting.ts"), "--threading", ...LOOPBACK]);
  const address = await served.address();
  const answers = [await ask(address, ""), await ask(address, "")];
  assertEquals(answers.map((answer) => answer!.split(" ")[0]), ["1", "2"]);
  assertNotEquals(answers[0]!.split(" ")[1], "0");
  await served.stops();

  await using taking = new Served([folder.join("taking.ts"), ...LOOPBACK]);
  assertNotEquals(await ask(await taking.address(), ""), "0");
  await taking.stops();
});

Deno.test("serve: functions of the file are found in other threads", { ignore }, async () => {
  await using folder = await served_files();
  await using served = new Served([folder.join("functions.ts"), ...LOOPBACK]);
  assertMatch((await ask(await served.address(), ""))!, /^[1-9]/);
  await served.stops();
});

Deno.test("serve: settings are those of the flags", { ignore }, async () => {
  await using folder = await served_files();
  const settings = ["--max-requests", "1", "--overflow", "refuse"];
  await using served = new Served([folder.join("upper.ts"), ...settings, ...LOOPBACK]);
  const address = await served.address();
  using first = await LineClient.connect(address);
  assertMatch((await first.ask("hello"))!, /^HELLO /);
  using second = await LineClient.connect(address);
  assertEquals(await line_or_end(second), null);
});

Deno.test("deno task serve examples/key_value_store.ts --threading", {
  ignore: ignore || !is_there("redis-cli"),
}, async () => {
  const words = ["examples/key_value_store.ts", "--threading", ...LOOPBACK];
  await using served = new Told("task", "--quiet", "serve", ...words);
  const { port } = address_in(await served.line());
  const said = "SET a 41\nINCR a\nSET b 1 EX 100\nTTL b\n";
  const heard = await output_of("redis-cli", ["-p", String(port)], said);
  assertEquals(heard, "OK\n42\nOK\n100\n");
});

Deno.test("serve --log: lines of JSON, or for people, on standard error", { ignore }, async () => {
  await using folder = await served_files();
  await at_once(["json", "text"], (log) => log, async (log) => {
    const words = [folder.join("upper.ts"), "--log", log, "--threading"];
    await using served = new Served([...words, ...LOOPBACK]);
    const lines: string[] = [];
    const read_until = async (text: string) => {
      do lines.push(await served.line()); while (!lines.at(-1)!.includes(text));
    };
    await read_until(" on 127.0.0.1:");
    const address = address_in(lines.pop()!);
    assertMatch((await ask(address, "hello"))!, /^HELLO /);
    await read_until("completed");
    if (log === "text") assertMatch(lines.at(-1)!, / request 1 of 127\.0\.0\.1:\d+ completed in /);
    else for (const line of lines) assert(JSON.parse(line).server === "ThreadingTCPServer", line);
  });
});

Deno.test(
  "serve --tls-cert: TLS, certificates of clients, files that are read again at SIGHUP",
  {
    ignore,
  },
  async () => {
    await using folder = await served_files();
    const put = async (name: string) => {
      for (const kind of ["crt", "key"]) {
        await Deno.copyFile(file(`${name}.${kind}`), folder.join(`server.${kind}`));
      }
    };
    await put("localhost");
    const pair = ["--tls-cert", folder.join("server.crt"), "--tls-key", folder.join("server.key")];
    const upper = [folder.join("upper.ts"), ...LOOPBACK];
    const reloading = async () => {
      await using served = new Served([...upper, ...pair, "--threading"]);
      const line = await served.line();
      assertMatch(line, /^UpperHandler on \S+, TLS, threading, /);
      const address = address_in(line);
      const hello = async (hostname: string) => {
        const raw = await Deno.connect({ port: address.port });
        using client = new LineClient(
          await Deno.startTls(raw, { hostname, caCerts: [pem("ca.crt")] }),
        );
        assertMatch((await client.ask("hello"))!, /^HELLO /);
      };
      await hello("localhost");
      await Deno.copyFile(file("second.key"), folder.join("server.key"));
      served.child.kill("SIGHUP");
      assertMatch(
        await served.line(),
        /^The certificates stay as they were: .*server\.key: it is not /,
      );
      await hello("localhost");
      await put("second");
      served.child.kill("SIGHUP");
      assertEquals(await served.line(), "The certificates were read again");
      await hello("second.test");
      await served.stops();
    };
    const clients = async () => {
      const ca = ["--tls-client-ca", path_of("ca.crt"), "--tls-min-version", "1.3"];
      const pfx = [
        "--tls-pfx",
        path_of("localhost.pfx"),
        "--tls-password-file",
        folder.join("password"),
      ];
      await Deno.writeTextFile(folder.join("password"), "secret\n");
      await using served = new Served([...upper, ...pfx, ...ca]);
      const address = await served.address();
      using client = new LineClient(await connect_tls(address, "client"));
      assertMatch((await client.ask("hello"))!, /^HELLO /);
      // A client learns only when it reads that it is refused.
      using stranger = new LineClient(await connect_tls(address));
      assertEquals(await or_end(stranger.line()), null);
    };
    await at_once([reloading, clients], ({ name }) => name, (run) => run());
  },
);

Deno.test("serve --monitor: a page beside the server, and one line if its port is taken", {
  ignore,
}, async () => {
  await using folder = await served_files();
  const words = [folder.join("upper.ts"), ...LOOPBACK, "--monitor"];
  await using served = new Served([...words, "0"]);
  const line = await served.line();
  const [, url] = /, async, monitor at (http:\/\/127\.0\.0\.1:\d+\/) \(Ctrl-C/.exec(line) ?? [];
  assertMatch((await ask(address_in(line), "hello"))!, /^HELLO /);
  const answer = await soon(fetch(`${url}health`));
  assertEquals([answer.status, (await answer.text()).trim()], [200, "ok"]);
  const { port } = new URL(url!);
  await using other = new Served([...words, port]);
  const taken = `^Cannot show the monitor at port ${port}: .*: write --monitor 0 for any$`;
  assertMatch(await other.line(), new RegExp(taken));
  assertEquals((await other.status()).code, 1);
  await served.stops();
});

/** What cannot be served, what is said of it, and the exit code. `FOLDER` is where the files are. */
const WRONG: [words: string[], said: string, code: 1 | 2][] = [
  [["nothing.ts"], 'Cannot load FOLDER/nothing.ts: Module not found "file://FOLDER/nothing.ts"', 2],
  [
    ["missing.ts"],
    'Cannot load FOLDER/missing.ts: Module not found "file://FOLDER/nothing.ts", ' +
    "at file://FOLDER/missing.ts:1:8",
    2,
  ],
  [
    ["syntax.ts"],
    "Cannot load FOLDER/syntax.ts: Unexpected token `=`. Expected yield, an identifier, [ or {, " +
    "at file://FOLDER/syntax.ts:1:14",
    2,
  ],
  [["throws.ts"], "Cannot load FOLDER/throws.ts: no disk, at file://FOLDER/throws.ts:1:7", 1],
  [["parses.ts"], "Cannot load FOLDER/parses.ts: no config, at file://FOLDER/parses.ts:1:7", 1],
  [
    ["begins.ts"],
    "Cannot load FOLDER/begins.ts: no disk\\u202E, at file://FOLDER/begins.ts:1:7",
    1,
  ],
  [["says.ts"], "Cannot load FOLDER/says.ts: no\\ndisk", 1],
  [["hides.ts"], "Cannot load FOLDER/hides.ts: Error, at file://FOLDER/hides.ts:1:29", 1],
  [["revoked.ts"], "Cannot load FOLDER/revoked.ts: (something that cannot be shown)", 1],
  [
    ["no\nfile.ts"],
    'Cannot load FOLDER/no\\nfile.ts: Module not found "file://FOLDER/no%0Afile.ts"',
    2,
  ],
  [
    ["none.ts"],
    "There is no handler in FOLDER/none.ts: write export before a class that extends " +
    "StreamRequestHandler",
    2,
  ],
  [
    ["unexported.ts"],
    "There is no handler in FOLDER/unexported.ts: write export before a class that extends " +
    "StreamRequestHandler",
    2,
  ],
  [["two.ts"], "There are 2 handlers in FOLDER/two.ts: write First or Second behind it", 2],
  [["two.ts", "n"], "There is no handler n in FOLDER/two.ts: it has First, Second", 2],
  [
    ["upper.ts", "--udp"],
    "Cannot use UpperHandler with --udp: it reads connections; leave --udp out",
    2,
  ],
  [
    ["packets.ts"],
    "Cannot use PacketHandler with connections: it reads datagrams; write --udp",
    2,
  ],
  [
    ["upper.ts", "--max-workers", "2"],
    "Cannot use --max-workers: write --threading, which has that",
    2,
  ],
  [
    ["packets.ts", "--udp", "--linger", "1s"],
    "Cannot use --linger: it is for connections; leave --udp out",
    2,
  ],
  [
    ["counting.ts", "--unix", "FOLDER/a.sock"],
    "Cannot use the server CountingServer of this file there: it is served with --port N",
    2,
  ],
  [
    ["servers.ts"],
    "Cannot choose a server of this file: it exports One and Other; export one",
    2,
  ],
  [
    ["upper.ts", "--proxy-protocol", "required"],
    "Cannot use --proxy-protocol required without --trusted-proxy: name the addresses of your " +
    'proxies, or ["*"] where nobody else can connect',
    2,
  ],
  [
    ["upper.ts", "--trusted-proxy", "10.0.0.1"],
    "Cannot use --trusted-proxy without --proxy-protocol required: write both",
    2,
  ],
  [
    ["packets.ts", "--udp", "--tls-pfx", "both.pfx"],
    "Cannot use TLS with --udp: it is for connections; leave --udp out",
    2,
  ],
  [
    ["upper.ts", "--fd", "systemd"],
    "Cannot inherit a socket: the program was started with none",
    2,
  ],
  [
    ["upper.ts", "--unix", "FOLDER/none/a.sock"],
    "Cannot listen: No such file or directory (os error 2): FOLDER/none/a.sock",
    2,
  ],
  [
    ["upper.ts", "--tls-cert", "FOLDER/none.crt", "--tls-key", path_of("localhost.key")],
    "Cannot use --tls-cert, FOLDER/none.crt: No such file or directory (os error 2): readfile " +
    "'FOLDER/none.crt'",
    2,
  ],
  [
    ["upper.ts", "--tls-cert", path_of("localhost.crt"), "--tls-key", path_of("second.key")],
    `Cannot use --tls-key, ${path_of("second.key")}: it is not the key of --tls-cert, ` +
    path_of("localhost.crt"),
    2,
  ],
  [
    ["upper.ts", "--tls-pfx", path_of("localhost.pfx"), "--tls-password-file", "FOLDER/none"],
    "Cannot use --tls-password-file FOLDER/none: No such file or directory (os error 2): " +
    "readfile 'FOLDER/none'",
    2,
  ],
  [["--prot", "1"], "There is no flag --prot: did you mean --port?", 2],
];

Deno.test("serve: what is wrong is one line on standard error, and the exit code", {
  ignore,
}, async () => {
  await using folder = await served_files();
  const here = (word: string) => word.replaceAll("FOLDER", folder.path);
  await at_once(WRONG, ([words]) => words.join(" "), async ([words, said, code]) => {
    const args = ["run", "-A", SERVE, ...in_folder(folder, words).map(here)];
    const ending = await ending_of(Deno.execPath(), args);
    assertEquals(ending, { code, output: "", errors: `${here(said)}\n` });
  });
});

Deno.test("serve: a port that is taken, and a permission that is missing", { ignore }, async () => {
  await using folder = await served_files();
  const upper = folder.join("upper.ts");
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  const run = async (flags: string[], words: string[]) => {
    const args = ["run", "--no-prompt", ...flags, SERVE, upper, ...words];
    const { code, output, errors } = await ending_of(Deno.execPath(), args);
    assertEquals(output, "");
    assertMatch(errors, /^[^\n]+\n$/);
    return [code, errors] as const;
  };
  const path = folder.join("taken.sock");
  using _taken = Deno.listen({ transport: "unix", path });
  const [busy, busy_path, far, net, read, workers] = await Promise.all([
    run(["-A"], ["--port", String(port)]),
    run(["-A"], ["--unix", path]),
    run(["-A"], ["--host", "192.0.2.1"]),
    run(["--allow-read"], LOOPBACK),
    run(["--allow-net"], LOOPBACK),
    run(["--allow-net", `--allow-read=${folder.path}`], ["--threading", ...LOOPBACK]),
  ]);
  assertEquals(busy[0], 1);
  const other = `write --port ${port + 1}, or --port 0 for any that is free`;
  assertMatch(busy[1], new RegExp(`^Cannot listen: Address already in use .*: ${other}\n$`));
  assertEquals(busy_path[0], 1);
  assertMatch(busy_path[1], /^Cannot listen: .*taken\.sock.*: write another --unix PATH\n$/);
  assertEquals(far[0], 1);
  assertMatch(
    far[1],
    /^Cannot listen: .* 192\.0\.2\.1:8000: write a --host that is this machine's$/m,
  );
  assertEquals(net[0], 1);
  assertMatch(net[1], /^Cannot listen: Requires net access to "127.0.0.1:0", .*--allow-net flag/);
  assertEquals(read[0], 2);
  assertMatch(
    read[1],
    /^Cannot load .*: Requires read access to ".*upper\.ts", .*--allow-read flag/,
  );
  assertEquals(workers[0], 1);
  assertMatch(workers[1], /Workers cannot read the modules that they need: add --allow-read=/);
});

Deno.test("serve --verbose shows errors with their stack; --quiet says nothing", {
  ignore,
}, async () => {
  await using folder = await served_files();
  const run = (...words: string[]) =>
    ending_of(Deno.execPath(), ["run", "-A", SERVE, ...in_folder(folder, words)]);
  const [verbose, odd, help, all, version] = await Promise.all([
    run("throws.ts", "--verbose"),
    run("revoked.ts", "--verbose"),
    run("--help"),
    run("--help", "all"),
    run("--version"),
  ]);
  assertMatch(verbose.errors, /Error: no disk\n +at file:.*throws\.ts:1:7/);
  assertEquals(verbose.code, 1);
  assertMatch(odd.errors, /\nCaused by: \(something that cannot be shown\)\n$/);
  assertMatch(help.output, /^Makes a server /);
  assert(all.output.length > 2 * help.output.length);
  const { version: known } = JSON.parse(await Deno.readTextFile("deno.json"));
  assertEquals(version, { code: 0, output: `${known}\n`, errors: "" });

  await using serving = new Served([folder.join("serves.ts")]);
  assertEquals(
    await serving.line(),
    `${folder.join("serves.ts")} is still loading: what starts a server there belongs under ` +
      "if (import.meta.main)",
  );

  const path = folder.join("quiet.sock");
  await using quiet = new Served([folder.join("upper.ts"), "--quiet", "--unix", path]);
  await soon(appears(path));
  quiet.child.kill("SIGTERM");
  assertEquals((await quiet.status()).code, 0);
});

/** Resolves when somebody listens at a path. */
async function appears(path: string): Promise<void> {
  for (;;) {
    try {
      using client = await LineClient.connect({ transport: "unix", path });
      assertMatch((await client.ask("there?"))!, /^THERE\? /);
      return;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

/** Signals, and the exit code of a program that a second one ended. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

Deno.test("serve: the first signal lets requests end, the second ends at once", {
  ignore,
}, async () => {
  await using folder = await served_files();
  const signals = Object.keys(SIGNALS) as (keyof typeof SIGNALS)[];
  const cases = signals.flatMap((signal) =>
    ["--async", "--threading"].map((way) => ({ signal, way }))
  );
  await at_once(cases, ({ signal, way }) => `${signal} ${way}`, async ({ signal, way }) => {
    // Its timer would keep another program alive.
    const words = [folder.join("keeps.ts"), way, "--grace", "1m", ...LOOPBACK];
    await using served = new Served(words);
    const address = await served.address();
    using client = await LineClient.connect(address);
    assertMatch((await client.ask("first"))!, /^FIRST /);
    await write_bytes(client.conn, new TextEncoder().encode("half a line"));
    served.child.kill(signal);
    await refuses(address);
    assertMatch((await client.ask(", and its rest"))!, /^HALF A LINE, AND ITS REST /);
    assertEquals(await line_or_end(client), null);
    assertEquals((await served.status()).code, 0);

    await using other = new Served(words);
    const there = await other.address();
    using busy = await LineClient.connect(there);
    assertMatch((await busy.ask("first"))!, /^FIRST /);
    await write_bytes(busy.conn, new TextEncoder().encode("half a line"));
    other.child.kill(signal);
    await refuses(there);
    // Sooner the same signal would be taken for an echo of the first.
    await other.kill_until_it_ends(signal);
    assertEquals((await other.status()).code, SIGNALS[signal]);
  });
});

/** Resolves when nobody listens there any more. */
async function refuses(address: Deno.NetAddr): Promise<void> {
  for (;;) {
    try {
      (await soon(Deno.connect({ ...address, transport: "tcp" }))).close();
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

Deno.test("serve --grace cuts what is left", { ignore }, async () => {
  await using folder = await served_files();
  await using served = new Served([folder.join("upper.ts"), "--grace", "100ms", ...LOOPBACK]);
  using client = await LineClient.connect(await served.address());
  assertMatch((await client.ask("first"))!, /^FIRST /);
  await write_bytes(client.conn, new TextEncoder().encode("half a line"));
  await served.stops();
  assertEquals(await line_or_end(client), null);
});

/** Runs a program at a terminal of its own, and passes on what is typed and shown. */
const AT_TERMINAL = `
import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))
`;
const ERASE = "\r\x1b[K";

Deno.test("serve: a status line on a terminal, erased for reports and at the end; Ctrl-C", {
  ignore: ignore || !is_there("python3"),
}, async () => {
  await using folder = await served_files();
  const words = [folder.join("failing.ts"), ...LOOPBACK];
  await using child = new Deno.Command("python3", {
    args: ["-c", AT_TERMINAL, Deno.execPath(), "run", "-A", SERVE, ...words],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let shown = "";
  const shows = async (wanted: RegExp) => {
    while (!wanted.test(shown)) {
      const { value, done } = await soon(reader.read());
      if (done) throw new Error(`It ended: ${shown}`);
      shown += value;
    }
  };
  await shows(/0 active, 0 waiting, 0 served, 0\/s/);
  const address = address_in(shown.split("\r\n")[0]!);
  using client = await LineClient.connect(address);
  await client.send("x");
  assertEquals(await line_or_end(client), null);
  await shows(/0 active, 0 waiting, 0 served, 1 failed, 0\/s/);
  assert(shown.includes(`${ERASE}----------------------------------------\r\nException`), shown);
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode("\x03"));
  for (let read; !(read = await soon(reader.read())).done;) shown += read.value;
  assertEquals((await soon(child.status)).code, 0);
  // A terminal shows what is typed.
  assert(shown.replace("^C", "").endsWith(ERASE), JSON.stringify(shown));
  await writer.close().catch(() => {});
});
