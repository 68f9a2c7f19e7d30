/** What only servers with child processes do. */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { ForkingTCPServer, type ServerOptions } from "../../mod.ts";
import { pattern, read_bytes, same_bytes, write_bytes } from "../fixtures/tools/bytes.ts";
import { ask, line_or_end, LineClient } from "../fixtures/clients/clients.ts";
import { CommandHandler, EchoHandler, UpperHandler } from "../fixtures/handlers/handlers.ts";
import {
  all_ended,
  all_gone,
  children_of,
  descriptors_of,
} from "../fixtures/programs/processes.ts";
import { ending_of, is_there, output_of, Program } from "../fixtures/programs/programs.ts";
import { LOST } from "../fixtures/handlers/lost_handlers.ts";
import { ready } from "../fixtures/servers/ready.ts";
import { Log, serving } from "../fixtures/servers/serving.ts";
import { soon, until } from "../fixtures/tools/waiting.ts";

const HERE: [string, number] = ["127.0.0.1", 0];
/** The tests that look into /proc. */
const ignore = Deno.build.os !== "linux";
const PROGRAM = path_of("../fixtures/programs/forking_program.ts");

/** A server with state and methods for handlers to use, and a log of its errors. */
class ObservedServer extends ForkingTCPServer {
  static greeting = "hello from the class";
  static override max_children = 2;
  static override linger = 200;
  count = 0;
  readonly log: Log = new Log();

  add(amount: number): number {
    return this.count += amount;
  }

  break(): void {
    throw new RangeError("broken on purpose");
  }

  override handle_error(_request: unknown, _address: unknown, error: unknown): void {
    this.log.add_error(error);
  }
}

function path_of(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}

/** The numbers of the children that are ready. */
function ready_children(server: ObservedServer): number[] {
  const workers = server.info().workers!;
  return workers.filter(({ state }) => state === "ready").map(({ pid }) => pid!);
}

/** Resolves to the numbers of all children when they are there. */
async function all_ready(server: ObservedServer): Promise<number[]> {
  await ready(server);
  assertEquals(server.info().workers!.length, ready_children(server).length);
  return ready_children(server);
}

/** Connects and asks one thing: the client, and the number of the child that serves it. */
async function talk(server: ObservedServer, line: string): Promise<[LineClient, number]> {
  const others = server.active_children;
  const client = await LineClient.connect(server.server_address);
  assertEquals(await soon(client.ask(line)), ANSWERS[line] ?? line);
  const [pid] = [...server.active_children].filter((pid) => !others.has(pid));
  return [client, pid!];
}

/** What `CommandHandler` answers before it is busy. */
const ANSWERS: Record<string, string> = { loop: "looping", wait: "waiting", hang: "hanging" };

Deno.test("ForkingMixIn: request_timeout kills the child of a handler that computes for ever", {
  ignore,
}, async () => {
  const request_timeout = 1000;
  await using server = serving(new ObservedServer(HERE, CommandHandler, { request_timeout }));
  await all_ready(server);
  const start = performance.now();
  const [client, pid] = await talk(server, "loop");
  using stuck = client;
  assertEquals(await line_or_end(stuck), null);
  await all_gone([pid]);
  const took = performance.now() - start;
  assert(took < request_timeout + 1000 + 4000, `The child was there for ${took} ms`);
  await soon(server.log.until(({ errors }) => errors.length > 0));
  assertInstanceOf(server.log.errors[0], Deno.errors.TimedOut);
  // Its clock would run while a child starts.
  server.request_timeout = null;
  assertEquals(await soon(ask(server.server_address, "hello")), "hello");
  assert(!(await all_ready(server)).includes(pid));
  await soon(until(() => server.info().active === 0));
  const { timed_out, failed } = server.info();
  assertEquals({ timed_out, failed }, { timed_out: 1, failed: 0 });
  assertEquals(server.log.errors.length, 1);
});

Deno.test("ForkingMixIn: request_timeout spares the child of a handler that obeys its signal", async () => {
  await using server = serving(new ObservedServer(HERE, CommandHandler, { request_timeout: 1000 }));
  const before = await all_ready(server);
  const [client] = await talk(server, "wait");
  using _client = client;
  await soon(until(() => server.info().timed_out === 1 && server.active_children.size === 0));
  assertEquals(await all_ready(server), before);
});

Deno.test("ForkingMixIn: an idle child that is killed is replaced, and reported once", {
  ignore,
}, async () => {
  await using server = serving(new ObservedServer(HERE, CommandHandler));
  const [pid] = await all_ready(server);
  Deno.kill(pid!, "SIGKILL");
  await soon(server.log.until(({ errors }) => errors.length > 0));
  await all_gone([pid!]);
  assert(!(await all_ready(server)).includes(pid!));
  const [error] = server.log.errors as [Error];
  assertStringIncludes(error.message, `${pid}`);
  assertStringIncludes(error.message, "SIGKILL");
  assertEquals(await soon(ask(server.server_address, "hello")), "hello");
  await soon(until(() => server.info().active === 0));
  assertEquals(server.log.errors.length, 1);
  assertEquals(server.info().failed, 0);
});

Deno.test("ForkingMixIn: a busy child that is killed loses only its own request", {
  ignore,
}, async () => {
  await using server = serving(new ObservedServer(HERE, CommandHandler, { max_children: 3 }));
  await all_ready(server);
  const [neighbour] = await talk(server, "hello");
  const [victim, pid] = await talk(server, "hang");
  Deno.kill(pid, "SIGKILL");
  assertEquals(await line_or_end(victim), null);
  await soon(server.log.until(({ errors }) => errors.length > 0));
  const [error] = server.log.errors as [Error];
  assertStringIncludes(error.message, `${pid}`);
  assertStringIncludes(`${error.message}; ${(error.cause as Error)?.message}`, "SIGKILL");
  assertEquals(await soon(neighbour.ask("still there")), "still");
  assert(!(await all_ready(server)).includes(pid));
  assertEquals(await soon(ask(server.server_address, "hello")), "hello");
  for (const client of [victim, neighbour]) client[Symbol.dispose]();
  await soon(until(() => server.info().active === 0));
  assertEquals(server.info().failed, 1);
  assertEquals(server.log.errors.length, 1);
});

Deno.test("ForkingMixIn: a child that is killed while it starts is replaced", {
  ignore,
}, async () => {
  await using server = serving(new ObservedServer(HERE, CommandHandler, { max_children: 1 }));
  const [first] = await all_ready(server);
  Deno.kill(first!, "SIGKILL");
  const starting = () => server.info().workers!.find(({ state }) => state === "starting")?.pid;
  await soon(until(() => starting() !== undefined));
  const second = starting()!;
  Deno.kill(second, "SIGKILL");
  await all_gone([first!, second]);
  await soon(until(() => server.info().workers!.every(({ pid }) => pid !== second)));
  const [third] = await all_ready(server);
  assertNotEquals(third, second);
  assertEquals(await soon(ask(server.server_address, "hello")), "hello");
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test(`ForkingMixIn: children ignore ${signal} and go on answering`, { ignore }, async () => {
    await using server = serving(new ObservedServer(HERE, CommandHandler));
    const before = await all_ready(server);
    const [client] = await talk(server, "hello");
    using busy = client;
    for (const pid of before) Deno.kill(pid, signal);
    assertEquals(await soon(busy.ask("one")), "one");
    assertEquals(await soon(ask(server.server_address, "two")), "two");
    assertEquals(await soon(busy.ask("three")), "three");
    // On one core there is another one by now.
    assertEquals(ready_children(server).slice(0, before.length), before);
    assertEquals(server.log.errors, []);
  });
}

Deno.test("ForkingMixIn: the children end when their server's process is killed", {
  ignore,
}, async () => {
  const options = JSON.stringify({ max_children: 2 });
  await using program = new Program("run", "-A", PROGRAM, "CommandHandler", options);
  const { address, pids } = JSON.parse(await program.line());
  using client = await LineClient.connect(address);
  assertEquals(await soon(client.ask("hang")), "hanging");
  program.child.kill("SIGKILL");
  await all_ended(pids);
  assertEquals(await line_or_end(client), null);
});

Deno.test(
  "ForkingMixIn: a child that computes for ever ends, too, when its server's process is killed",
  {
    ignore,
  },
  async () => {
    const options = JSON.stringify({ max_children: 1 });
    await using program = new Program("run", "-A", PROGRAM, "CommandHandler", options);
    const { address, pids } = JSON.parse(await program.line());
    using client = await LineClient.connect(address);
    assertEquals(await soon(client.ask("loop")), "looping");
    program.child.kill("SIGKILL");
    try {
      await all_ended(pids);
    } finally {
      try {
        Deno.kill(pids[0], "SIGKILL");
      } catch {
        // It has ended, as it should.
      }
    }
  },
);

for (const [Handler, words] of LOST) {
  Deno.test(`ForkingMixIn: serve_forever() rejects for a handler that is lost: ${words[0]}`, async () => {
    await using server = new ObservedServer(HERE, Handler);
    const error = await assertRejects(() => soon(server.serve_forever()), TypeError);
    for (const word of words) assertStringIncludes(error.message, word);
    assertEquals(server.log.errors, []);
    assertEquals(server.info().state, "idle");
    assertEquals(server.info().workers, []);
  });
}

Deno.test("ForkingMixIn: this.server has the address and the class's statics", async () => {
  await using server = serving(new ObservedServer(HERE, CommandHandler));
  const [client] = await talk(server, "hello");
  using one = client;
  assertEquals(await soon(one.ask("port")), `${server.server_address.port}`);
  assertEquals(await soon(one.ask("greeting")), "hello from the class");
  assertEquals(await soon(one.ask("queue")), `${server.request_queue_size}`);
});

Deno.test("ForkingMixIn: methods of this.server run in the server's process", async () => {
  await using server = serving(new ObservedServer(HERE, CommandHandler));
  assertEquals(await soon(ask(server.server_address, "add 3")), "3");
  assertEquals(await soon(ask(server.server_address, "add 4")), "7");
  assertEquals(server.count, 7);
  assertEquals(await soon(ask(server.server_address, "state")), "serving");
});

Deno.test("ForkingMixIn: what a method of the server throws reaches the handler's await", async () => {
  await using server = serving(new ObservedServer(HERE, CommandHandler));
  assertEquals(await soon(ask(server.server_address, "break")), null);
  await soon(server.log.until(({ errors }) => errors.length > 0));
  assertInstanceOf(server.log.errors[0], RangeError);
  assertEquals(server.log.errors[0].message, "broken on purpose");
});

Deno.test("ForkingMixIn: a field of the server read in a child is an error that says what to do", async () => {
  await using server = serving(new ObservedServer(HERE, CommandHandler));
  assertEquals(await soon(ask(server.server_address, "count")), null);
  await soon(server.log.until(({ errors }) => errors.length > 0));
  const { message } = server.log.errors[0] as Error;
  assertStringIncludes(message, "server.count");
  assertStringIncludes(message, "method");
});

Deno.test("ForkingMixIn: an error of a handler keeps its class, message and cause", async () => {
  await using server = serving(new ObservedServer(HERE, CommandHandler));
  assertEquals(await soon(ask(server.server_address, "fail")), null);
  await soon(server.log.until(({ errors }) => errors.length > 0));
  const [error] = server.log.errors;
  assertInstanceOf(error, TypeError);
  assertEquals(error.message, "bad line");
  assertStringIncludes(error.stack!, "handlers.ts");
  assertInstanceOf(error.cause, Deno.errors.NotFound);
  assertEquals(error.cause.message, "no such line");
});

Deno.test("ForkingMixIn: an override of finish_request() is refused", async () => {
  class Finishing extends ForkingTCPServer {
    override async finish_request(): Promise<void> {}
  }
  assertThrows(
    () => new Finishing(HERE, UpperHandler),
    TypeError,
    "Finishing.finish_request()",
  );
  class Field extends ForkingTCPServer {
    override finish_request = async () => {};
  }
  await using server = new Field(HERE, UpperHandler);
  await assertRejects(() => server.serve_forever(), TypeError, "Field.finish_request()");
});

/** How connections get to the children: those of a shared port are relayed. */
const CARRIAGES = { "handed over": false, "relayed": true };
for (const [carriage, allow_reuse_port] of Object.entries(CARRIAGES)) {
  Deno.test(`ForkingMixIn: 8 MiB come back over a connection that is ${carriage}, both ways at once`, async () => {
    await using server = serving(new ObservedServer(HERE, EchoHandler, { allow_reuse_port }));
    const { hostname, port } = server.server_address;
    using client = await Deno.connect({ hostname, port });
    const sent = pattern(8 * 1024 * 1024);
    const [, received] = await Promise.all([
      write_bytes(client, sent).then(() => client.closeWrite()),
      read_bytes(client, sent.length),
    ]);
    assert(same_bytes(received, sent), `${received.length} bytes, or others, came back`);
    assertEquals(await soon(client.read(new Uint8Array(1))), null);
    assertEquals(server.log.errors, []);
  });
}

Deno.test("ForkingMixIn: 50 connections one after another leave no descriptor anywhere", {
  ignore,
}, async () => {
  const options = JSON.stringify({ max_children: 1, linger: 100 });
  await using program = new Program("run", "-A", PROGRAM, "UpperHandler", options);
  const { address, pids: [child] } = JSON.parse(await program.line());
  const parent = program.child.pid;
  const ask_many = async (count: number) => {
    for (let n = 0; n < count; n++) {
      assertEquals(await soon(ask(address, `client ${n}`)), `CLIENT ${n}`);
    }
  };
  // What Deno opens once and keeps is there after the first ones.
  await ask_many(5);
  await soon(until(() => settled(parent) && settled(child)));
  const before = [descriptors_of(parent), descriptors_of(child)];
  await ask_many(50);
  await soon(until(() => settled(parent) && settled(child)));
  await soon(until(() => `${[descriptors_of(parent), descriptors_of(child)]}` === `${before}`))
    .catch(() => assertEquals([descriptors_of(parent), descriptors_of(child)], before));
});

/** Whether a process has no more sockets than those that listen or reach its child. */
function settled(pid: number): boolean {
  const tcp = Deno.readTextFileSync(`/proc/${pid}/net/tcp`);
  // The fourth column is the state, the tenth the inode.
  const open = tcp.split("\n").map((line) => line.trim().split(/\s+/))
    .filter(([, , , state]) => state !== "0A" && state !== "06")
    .map((columns) => `socket:[${columns[9]}]`);
  return ![...Deno.readDirSync(`/proc/${pid}/fd`)].some(({ name }) => {
    try {
      return open.includes(Deno.readLinkSync(`/proc/${pid}/fd/${name}`));
    } catch {
      return false;
    }
  });
}

Deno.test(
  "ForkingMixIn: server_close() ends idle clients, lets busy ones reply, and kills what is stuck",
  {
    ignore,
  },
  async () => {
    const server = new ObservedServer(HERE, CommandHandler, { max_children: 3 });
    const loop = server.serve_forever();
    await all_ready(server);
    const [idle] = await talk(server, "hello");
    const [busy] = await talk(server, "wait");
    const [stuck, pid] = await talk(server, "loop");
    const start = performance.now();
    const closing = server.server_close({ grace: 1000 });
    assertEquals(await line_or_end(idle), null);
    assertEquals(await line_or_end(busy), "told");
    assertEquals(await line_or_end(busy), null);
    assertEquals(await soon(closing), { drained: 2, aborted: 1 });
    const took = performance.now() - start;
    assert(took > 900 && took < 5000, `Closing took ${took} ms`);
    await all_gone([pid]);
    assertEquals(await line_or_end(stuck), null);
    await soon(loop);
    assertEquals(server.info().workers, []);
    for (const client of [idle, busy, stuck]) client[Symbol.dispose]();
  },
);

Deno.test("ForkingMixIn: neither children nor zombies are left, whatever became of them", {
  ignore: ignore || !is_there("ps"),
}, async () => {
  const options: ServerOptions & { max_children: number } = {
    max_children: 3,
    request_timeout: 4000,
    linger: 100,
  };
  await using program = new Program(
    "run",
    "-A",
    PROGRAM,
    "CommandHandler",
    JSON.stringify(options),
  );
  const { address, pids } = JSON.parse(await program.line());
  Deno.kill(pids[0], "SIGKILL");
  assertStringIncludes(await soon(program.line()), `${pids[0]}`);
  for (const [command, error] of [["loop", "TimedOut"], ["exit", "ended"], ["stray", "ended"]]) {
    using client = await LineClient.connect(address);
    await client.send(command!);
    assertStringIncludes(await soon(program.line()), error!);
    while (await line_or_end(client) !== null);
  }
  assertEquals(await soon(ask(address, "hello")), "hello");
  await program.send("stop\n");
  const { aborted } = JSON.parse(await soon(program.line()));
  assertEquals(aborted, 0);
  assertEquals(await children_of(program.child.pid), []);
});

Deno.test("ForkingMixIn: other child processes of the program are left alone", {
  ignore,
}, async () => {
  await using other = new Program(
    "eval",
    "console.log('there'); " +
      "for await (const _ of Deno.stdin.readable) console.log('still there');",
  );
  assertEquals(await other.line(), "there");
  {
    const options = { request_timeout: 1000 };
    await using server = serving(new ObservedServer(HERE, CommandHandler, options));
    const pids = await all_ready(server);
    assert(!pids.includes(other.child.pid));
    const [client, pid] = await talk(server, "loop");
    using _client = client;
    await all_gone([pid]);
    await other.send("\n");
    assertEquals(await soon(other.line()), "still there");
  }
  await other.send("\n");
  assertEquals(await soon(other.line()), "still there");
});

/** The environment with this `deno` first: another one may be only a script, which is refused. */
const PATH = `${dirname(Deno.execPath())}:${Deno.env.get("PATH")}`;

Deno.test("ForkingMixIn: serve_forever() rejects with NotCapable without --allow-run", async () => {
  const { code, output } = await ending_of(
    Deno.execPath(),
    ["run", "--no-prompt", "--allow-net=127.0.0.1", "--allow-read", PROGRAM, "UpperHandler"],
    { env: { PATH } },
  );
  assertEquals(code, 1);
  assertStringIncludes(output, "NotCapable: ");
  assertStringIncludes(output, "--allow-run");
});

/**
 * Runs the server on a terminal, says yes to each question, and prints what was asked, what a client
 * was answered, and what the program printed when it was told to stop.
 */
const TERMINAL = `
import os, pty, re, select, socket, sys, time
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
shown, limit = b"", time.time() + 20
def show():
    global shown
    if select.select([terminal], [], [], 0.2)[0]:
        try:
            shown += os.read(terminal, 10000)
        except OSError:
            pass
def port():
    found = re.search(rb'"port":(\\d+)', shown)
    return found and int(found[1])
while not port() and time.time() < limit:
    show()
    # Deno forgets what was typed before it asks, and may not be ready yet: say it again until it hears.
    if shown.rfind(b"Allow?") > shown.rfind(b"Granted"):
        os.write(terminal, b"y\\n")
asked = re.findall(rb"requests (\\w+) access", re.sub(rb"\\x1b\\[[0-9;]*m", b"", shown))
print("asked for", sorted({name.decode() for name in asked}))
if not port():
    sys.exit(shown)
with socket.create_connection(("127.0.0.1", port()), 10) as sock:
    sock.sendall(b"hello\\n")
    print(sock.recv(1024).decode().strip())
os.kill(pid, 9)
os.waitpid(pid, 0)
`;

/** The flags for running `deno`, and what is asked for on a terminal. */
const TERMINALS: [run: string[], asked: string][] = [
  [["--allow-run=deno"], "[]"],
  [[], "['run']"],
];
for (const [run, asked] of TERMINALS) {
  Deno.test(`python3: on a terminal with [${run}] Deno asks for ${asked}`, {
    ignore: !is_there("python3") || ignore,
  }, async () => {
    const flags = ["--allow-net=127.0.0.1", "--allow-read", ...run];
    const command = ["env", `PATH=${PATH}`, Deno.execPath(), "run", ...flags, PROGRAM];
    const printed = await output_of(
      "python3",
      ["-", "/usr/bin/env", ...command.slice(1), "UpperHandler", '{"max_children":1}', "for ever"],
      TERMINAL,
    );
    assertEquals(printed, `asked for ${asked}\nHELLO\n`);
  });
}

Deno.test("ForkingMixIn: a program that a child has started does not hide the child's end", {
  ignore,
}, async () => {
  await using server = serving(new ObservedServer(HERE, CommandHandler));
  using client = await LineClient.connect(server.server_address);
  const pid = Number(await client.ask("start"));
  try {
    await client.send("exit");
    assertEquals(await soon(client.line()), null);
    await soon(server.log.until(({ errors }) => errors.length === 1));
    assertEquals(await soon(ask(server.server_address, "add 1")), "1");
  } finally {
    Deno.kill(pid, "SIGKILL");
  }
});

Deno.test("ForkingMixIn: a server that is closed while it starts leaves no child", async () => {
  const server = new ObservedServer(HERE, UpperHandler);
  const loop = server.serve_forever();
  await soon(server.server_close());
  await soon(loop);
  assertEquals(server.info().workers, []);
});
