import { assertEquals, assertInstanceOf, assertMatch, assertThrows } from "@std/assert";
import { ChildProcess, type Serializable } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import type { ChildCommand } from "../../../internal/workers/child_command.ts";
import { PROCESS_ENTRY, ProcessHost } from "../../../internal/workers/process_host.ts";
import { detach } from "../../../server/sockets/stream_socket.ts";
import { accepted_pair } from "../../fixtures/clients/pairs.ts";
import { ending_of } from "../../fixtures/programs/programs.ts";
import { unread_by_worker } from "../../fixtures/servers/unread.ts";
import { soon } from "../../fixtures/tools/waiting.ts";

function command_of(args: string[]): ChildCommand {
  return {
    file: Deno.execPath(),
    args,
    environment: ["NO_COLOR=1"],
    cwd: Deno.cwd(),
    folder: undefined,
  };
}

/** The cause of the end of a child process with these arguments. */
async function end_of(args: string[], meanwhile = (_host: ProcessHost) => {}): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const host = new ProcessHost(command_of(args), {
    received: () => {},
    unheard: () => host.kill(),
    ended: resolve,
  });
  meanwhile(host);
  return await soon(promise);
}

Deno.test("ProcessHost tells the end of a child that ended before it could load its module", async () => {
  const cause = await end_of(["eval", "Deno.exit(3)"]);
  assertInstanceOf(cause, Error);
  assertMatch(cause.message, /^Child process \d+ ended with code 3$/);
});

Deno.test("ProcessHost tells the end of a child that was killed while it started", async () => {
  const cause = await end_of(["run", "-A", PROCESS_ENTRY], (host) => host.kill());
  assertInstanceOf(cause, Error);
  assertMatch(cause.message, /^Child process \d+ was ended by SIGKILL$/);
});

Deno.test("ProcessHost ends a child whose messages cannot be read any more", async () => {
  const half = 'import process from "node:process"; process.send([() => 1], () => {}); ' +
    "setInterval(() => {}, 1000);";
  const cause = await end_of(["eval", half]);
  assertInstanceOf(cause, Error);
  assertMatch(cause.message, /^Child process \d+ cannot be heard: Failed to read value$/);
});

Deno.test("ProcessHost refuses what cannot be cloned, and the child hears what comes after", async () => {
  const cause = await end_of(["run", "-A", PROCESS_ENTRY], (host) => {
    const odd = { type: "answer", call: 1, value: () => {} } as const;
    assertThrows(() => host.post([{ type: "exit" }, odd]), DOMException, "could not be cloned");
    host.post([{ type: "exit" }]);
  });
  assertInstanceOf(cause, Error);
  assertMatch(cause.message, /^Child process \d+ ended with code 0$/);
});

Deno.test("ProcessHost tells the end of a child that had not read what was sent to it", async () => {
  const cause = await end_of(["run", "--no-such-flag"], (host) => host.post([{ type: "end" }]));
  assertInstanceOf(cause, Error);
  assertMatch(cause.message, /^Child process \d+ ended with code 1$/);
});

Deno.test("ProcessHost tells the end of a child that was killed before it read what was sent", async () => {
  const cause = await end_of(["run", "-A", PROCESS_ENTRY], (host) => {
    host.post([{ type: "end" }]);
    host.kill();
  });
  assertInstanceOf(cause, Error);
  assertMatch(cause.message, /^Child process \d+ was ended by SIGKILL$/);
});

Deno.test("ProcessHost tells that a child may not be started any more, as when one has ended", async () => {
  const program = new URL("../../fixtures/programs/refused_child.ts", import.meta.url).href;
  const { output } = await ending_of(Deno.execPath(), ["run", "--no-prompt", program]);
  assertEquals(output, "A child process\nNotCapable\n");
});

Deno.test("ProcessHost: a child that cannot read a message says so", async () => {
  const command = command_of(["run", "-A", PROCESS_ENTRY]);
  const said = await unread_by_worker((events) => new ProcessHost(command, events));
  assertEquals(said, "Failed to read value");
});

/** Has each descriptor noted that the handle of a TCP connection opens: by that numbers are closed. */
function note_opened(): { opened: number[]; [Symbol.dispose](): void } {
  const { TCP } = (process as unknown as {
    binding(name: string): { TCP: { prototype: { open(fd: number): number } } };
  }).binding("tcp_wrap");
  const { open } = TCP.prototype;
  const opened: number[] = [];
  TCP.prototype.open = function (fd) {
    opened.push(fd);
    return open.call(this, fd);
  };
  return { opened, [Symbol.dispose]: () => void (TCP.prototype.open = open) };
}

/** Has the child noted that is started, and what it is sent. */
function note_child(): { child?: ChildProcess; sent: Serializable[]; [Symbol.dispose](): void } {
  const prototype = ChildProcess.prototype as unknown as { spawn(options: unknown): unknown };
  const { spawn } = prototype;
  const notes: ReturnType<typeof note_child> = {
    sent: [],
    [Symbol.dispose]: () => void (prototype.spawn = spawn),
  };
  prototype.spawn = function (this: ChildProcess, options) {
    const spawned = spawn.call(this, options);
    const { send } = this;
    this.send = (message: Serializable, ...rest: unknown[]) => {
      notes.sent.push(message);
      return Reflect.apply(send, this, [message, ...rest]);
    };
    notes.child = this;
    return spawned;
  };
  return notes;
}

Deno.test({
  name:
    "ProcessHost closes a connection once that its child has not got, though its answer comes after its end",
  ignore: Deno.build.os === "windows",
}, async () => {
  const { socket, peer } = await accepted_pair();
  using _ = peer;
  const { fd } = detach(socket)!;
  using numbers = note_opened();
  using notes = note_child();
  let gone!: Promise<unknown>;
  await end_of(["run", "-A", PROCESS_ENTRY], (host) => {
    host.post([{ type: "job", id: 1, message: undefined, fd }]);
    const question = notes.sent.at(-1);
    // A busy thread hears of both together, and of the end first.
    notes.child!.emit("exit", 0, null);
    notes.child!.emit("message", question);
    host.kill();
    gone = once(notes.child!, "exit");
  });
  await soon(gone);
  assertEquals(await soon(peer.read(new Uint8Array(1))), null);
  assertEquals(numbers.opened, [fd]);
});
