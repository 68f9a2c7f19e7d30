/** What `serve` reads on its command line: each flag, and each mistake. */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { read_command_line, type ServeCommand } from "../../../operation/serve/command_line.ts";
import { text_of } from "../../../operation/serve/flag_values.ts";
import { SETTING_FLAGS } from "../../../operation/serve/flags.ts";
import { full_help, HELP } from "../../../operation/serve/help.ts";
import { UsageError } from "../../../operation/serve/usage_error.ts";
import { RULES } from "../../../server/options.ts";

/** A command line, as a shell splits it. */
function read(line: string): ServeCommand {
  return read_command_line(`a.ts ${line}`.trim().split(" ")) as ServeCommand;
}

/** Wrong command lines, and what is said of them. */
const WRONG: [line: string, said: string][] = [
  ["--prot 8000", "There is no flag --prot: did you mean --port?"],
  ["--max_requests 4", "There is no flag --max_requests: did you mean --max-requests?"],
  ["--thread", "There is no flag --thread: did you mean --threading?"],
  ["--threadng", "There is no flag --threadng: did you mean --threading?"],
  ["--workers 4", "There is no flag --workers: did you mean --max-workers?"],
  [
    "--timeout 4",
    "There is no flag --timeout: did you mean --request-timeout or --proxy-timeout or " +
    "--handshake-timeout?",
  ],
  ["--no-quiet", "There is no flag --no-quiet: did you mean --quiet?"],
  ["--a\nb", "There is no flag --a\\nb: serve --help all shows those that there are"],
  ["--toString", "There is no flag --toString: serve --help all shows those that there are"],
  ["-z", "There is no flag -z: serve --help all shows those that there are"],
  [
    "--allow-net",
    "There is no flag --allow-net: it is one of deno, and stands before the address of serve",
  ],
  ["-A", "There is no flag -A: it is one of deno, and stands before the address of serve"],
  ["--port abc", "Cannot use --port abc: it must be a whole number from 0 to 65535"],
  ["--port -1", "Cannot use --port -1: it must be a whole number from 0 to 65535"],
  ["--port 65536", "Cannot use --port 65536: it must be a whole number from 0 to 65535"],
  ["--port", "There is no value for --port: write --port 8000"],
  ["--port --udp", "There is no value for --port: write --port 8000"],
  ["--port=", "There is no value for --port: write --port 8000"],
  ["--unix", "There is no value for --unix: write --unix PATH"],
  ["--quiet=yes", "Cannot use --quiet with a value (yes): write it without"],
  ["--no-broadcast=1", "Cannot use --no-broadcast with a value (1): write it without"],
  ["--monitor 70000", "Cannot use --monitor 70000: it must be a whole number from 0 to 65535"],
  ["--log xml", "Cannot use --log xml: it must be json, text or none"],
  ["--grace soon", "Cannot use --grace soon: it must be a time, such as 500ms, 30s or 5m"],
  [
    "--request-timeout 5x",
    "Cannot use --request-timeout 5x: it must be a time, such as 500ms, 30s or 5m, or none",
  ],
  ["--linger none", "Cannot use --linger none: it must be a time, such as 500ms, 30s or 5m"],
  [
    "--max-requests 0",
    "Cannot use --max-requests 0: it must be a whole number from 1, or infinity",
  ],
  [
    "--max-workers infinity",
    "Cannot use --max-workers infinity: it must be a whole number from 1",
  ],
  ["--tls-alpn h2,,x", "Cannot use --tls-alpn h2,,x: it must be a list of names"],
  ["--overflow drop", "Cannot use --overflow drop: it must be queue or refuse"],
  [
    "--deny 10.0.0",
    "Cannot use --deny 10.0.0: it must be a list of addresses, ranges such as 10.0.0.0/8, and *",
  ],
  ["Name other more", "Cannot use other more: a file and a name are all that is taken"],
  ["--threading --forking", "Cannot use --threading with --forking: write one of them"],
  ["--unix a.sock --port 1", "Cannot use --unix with --port: write one of them"],
  ["--fd systemd --host ::1", "Cannot use --fd with --host: write one of them"],
  ["--tls-cert a.pem", "There is no --tls-key: write --tls-key FILE beside --tls-cert"],
  ["--tls-key a.pem", "There is no --tls-cert: write --tls-cert FILE beside --tls-key"],
  ["--tls-alpn h2", "There is no certificate: write --tls-cert FILE --tls-key FILE"],
  ["--tls-min-version 1.1", "Cannot use --tls-min-version 1.1: it must be 1.2 or 1.3"],
];

for (const [line, said] of WRONG) {
  Deno.test(`serve a.ts ${line}: says what to type`, () => {
    const { message } = assertThrows(() => read(line), UsageError);
    assertEquals(message, said);
  });
}

Deno.test("serve without a handler says so", () => {
  for (const args of [["--threading"], [""]]) {
    const { message } = assertThrows(() => read_command_line(args), UsageError);
    assertEquals(message, "There is no handler: write serve handler.ts, or serve --help");
  }
});

/** Command lines, and what is of interest in what was read. */
const RIGHT: [line: string, read: Partial<ServeCommand>][] = [
  ["", {
    handler: "a.ts",
    name: undefined,
    way: undefined,
    datagrams: false,
    address: { hostname: "127.0.0.1", port: 8000 },
    settings: {},
    tls: undefined,
    monitor: undefined,
    log: "none",
    quiet: false,
    grace: undefined,
  }],
  ["Name", { name: "Name" }],
  ["--threading Name", { name: "Name", way: "threading" }],
  ["--port 0 --host ::1", { address: { hostname: "::1", port: 0 } }],
  ["--port 1 --port=2", { address: { hostname: "127.0.0.1", port: 2 } }],
  ["--unix a.sock --udp", { address: "a.sock", datagrams: true }],
  ["--monitor Name", { monitor: 8001, name: "Name" }],
  ["--monitor 0 Name", { monitor: 0, name: "Name" }],
  ["--monitor=9000", { monitor: 9000 }],
  ["--log json --quiet --grace 0", { log: "json", quiet: true, grace: 0 }],
  ["--grace 1.5s", { grace: 1500 }],
  ["--request-timeout 500", { settings: { request_timeout: 500 } }],
  ["--request-timeout 2m", { settings: { request_timeout: 120_000 } }],
  ["--request-timeout none", { settings: { request_timeout: null } }],
  ["--max-requests infinity", { settings: { max_requests: Infinity } }],
  ["--no-broadcast --daemon-threads", { settings: { broadcast: false, daemon_threads: true } }],
  ["--fd systemd", { settings: { inherit: true } }],
  ["--fd 3", { settings: { inherit: 3 } }],
  ["--fd upper", { settings: { inherit: "upper" } }],
  ["--allow 10.0.0.0/8,::1 --allow 1.2.3.4", {
    settings: { allow: ["10.0.0.0/8", "::1", "1.2.3.4"] },
  }],
  ["--proxy-protocol required --trusted-proxy *", {
    settings: { proxy_protocol: "required", trusted_proxies: ["*"] },
  }],
  ["--tls-cert a --tls-key b --tls-alpn h2,y --tls-alpn x", {
    tls: { cert: "a", key: "b", alpn_protocols: ["h2", "y", "x"] },
  }],
  ["--tls-pfx a --tls-min-version 1.3", { tls: { pfx: "a", min_version: "1.3" } }],
];

for (const [line, wanted] of RIGHT) {
  Deno.test(`serve a.ts ${line}: is read`, () => {
    const command = read(line);
    const found = Object.keys(wanted).map((key) => [key, command[key as keyof ServeCommand]]);
    assertEquals(Object.fromEntries(found), wanted);
  });
}

Deno.test("serve --help and --version are read wherever they stand", () => {
  for (
    const line of ["--help", "-h", "a.ts --help", "--help a.ts --port x", "--help --threading"]
  ) {
    assertEquals(read_command_line(line.split(" ")), "help", line);
  }
  assertEquals(read_command_line(["--help", "all"]), "help all");
  assertEquals(read_command_line(["a.ts", "--version"]), "version");
});

/** Settings that are no flags. */
const NO_FLAGS: Record<string, string> = {
  observer: "it is a function: --log makes one",
  timeout: "it is for handle_request(), which serve does not call",
  tls: "its parts are flags, which begin with --tls-",
};

Deno.test("serve has a flag for each setting of the servers, and each can be typed", () => {
  const flags = new Map(SETTING_FLAGS.map((flag) => [flag.setting, flag]));
  const missing = Object.keys(RULES).filter((name) => !flags.has(name as never));
  assertEquals(missing.filter((name) => !(name in NO_FLAGS)), []);
  for (const [setting, { name, sample, rule }] of flags) {
    const text = sample === "N" ? "7" : sample;
    const { settings } = read(rule.kind === "switch" ? `--${name}` : `--${name} ${text}`);
    assertEquals(Object.keys(settings), [setting]);
    assert(rule.check(settings[setting]), name);
  }
});

Deno.test("serve has words for each setting, of its own", () => {
  for (const { help, rule } of SETTING_FLAGS) assert(help !== rule.words, help);
});

Deno.test("serve --help fits a small terminal, and names only flags that there are", () => {
  const lines = HELP.trimEnd().split("\n");
  assert(lines.length < 24, String(lines.length));
  for (const line of [...lines, ...full_help().split("\n")]) assert(line.length < 80, line);
  const known = new Set(full_help().match(/--[\w-]+/g));
  for (const flag of HELP.match(/--[\w-]+/g)!) assert(known.has(flag), flag);
});

Deno.test("serve --help all shows each flag once, and what it is unless told", () => {
  const help = full_help();
  for (const { name } of SETTING_FLAGS) {
    assertEquals(help.match(new RegExp(`^  --${name} `, "gm"))?.length, 1, name);
  }
  assertMatch(help, /^ {2}--max-children N +\S.* \(40\)$/m);
  assertMatch(help, /^ {2}--linger 30s +\S.* \(1s\)$/m);
  assertMatch(help, /^ {2}--max-requests N +\S.* \(infinity\)$/m);
  assertMatch(help, /^ {2}--broadcast +\S.* \(on\)$/m);
});

Deno.test("serve shows values as they are typed", () => {
  const times: [unknown, string][] = [[1500, "1500ms"], [2000, "2s"], [3_600_000, "1h"], [
    null,
    "none",
  ]];
  for (const [value, text] of times) assertEquals(text_of(value, "time"), text);
  assertEquals(text_of(["a", "b"], "list"), "a,b");
  assertEquals(text_of([], "list"), "none");
  assertEquals(text_of(null, "list"), "not set");
});
