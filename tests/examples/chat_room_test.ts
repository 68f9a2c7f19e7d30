import { assertEquals, assertMatch } from "@std/assert";
import { write_bytes } from "../fixtures/tools/bytes.ts";
import { fileURLToPath } from "node:url";
import { connect_tls, file } from "../fixtures/certificates/certificates.ts";
import { line_or_end, LineClient, or_end } from "../fixtures/clients/clients.ts";
import { commands_of, is_there, Task } from "../fixtures/programs/programs.ts";
import { soon } from "../fixtures/tools/waiting.ts";

const [RUN, NC] = commands_of("chat_room.ts");

/** Fewer lines than those for which a member is put out. */
const FEW = 50;

/** The room on a free port, started by the command of its head comment. */
async function start(options = ""): Promise<{ task: Task; address: Deno.NetAddr }> {
  await using stack = new AsyncDisposableStack();
  const command = RUN!.replace("127.0.0.1:8080", "127.0.0.1").replace(
    "--port 8080",
    `--port 0${options}`,
  );
  const task = stack.use(new Task("--eval", command));
  const line = await soon(task.line());
  assertMatch(line, /^Chatting on port \d+; Ctrl-C ends it$/);
  const port = Number(/port (\d+);/.exec(line)![1]);
  const address: Deno.NetAddr = { transport: "tcp", hostname: "127.0.0.1", port };
  if (!options) await soon(two_workers(address));
  stack.move();
  return { task, address };
}

/** Resolves when both workers serve: from then on they share what comes. */
async function two_workers(address: Deno.NetAddr): Promise<void> {
  for (const workers = new Set<string>(); workers.size < 2;) {
    using client = await LineClient.connect(address);
    workers.add(await worker_of(client));
  }
}

/** The number of the worker that serves a client, from its first line. */
async function worker_of(client: { line(): Promise<string | null> }): Promise<string> {
  const line = await soon(client.line());
  assertMatch(line!, /^\* Worker \d+ serves you\. Your nick\?$/);
  return /\d+/.exec(line!)![0];
}

/** A client that is in the room. */
async function enter(address: Deno.NetAddr, nick: string): Promise<LineClient> {
  const client = await LineClient.connect(address);
  await worker_of(client);
  assertEquals(await soon(client.ask(nick)), `* Welcome, ${nick}`);
  return client;
}

/** Expects these lines, in this order, and no others between them. */
async function expect_lines(
  client: { line(): Promise<string | null> },
  ...lines: (string | null)[]
): Promise<void> {
  for (const line of lines) assertEquals(await soon(client.line()), line);
}

Deno.test("chat_room.ts: members hear each other, who comes, and who leaves", async () => {
  const { task, address } = await start();
  await using _task = task;
  using ann = await enter(address, "ann");
  using bob = await enter(address, "bob");
  using cy = await enter(address, "cy");
  await expect_lines(ann, "* bob joined", "* cy joined");
  await ann.send("hello");
  await expect_lines(bob, "* cy joined", "ann: hello");
  await expect_lines(cy, "ann: hello");
  assertEquals(await soon(cy.ask("/who")), "* ann bob cy");
  await bob.conn.closeWrite();
  await expect_lines(bob, null);
  await expect_lines(cy, "* bob left");
  await cy.send("just us");
  await expect_lines(ann, "* bob left", "cy: just us");
});

Deno.test("chat_room.ts refuses nicks that are taken or not fit, and takes the next one", async () => {
  const { task, address } = await start();
  await using _task = task;
  using ann = await enter(address, "ann");
  using other = await LineClient.connect(address);
  await worker_of(other);
  for (const nick of ["ann", "", "two words", "x".repeat(17), "\x1b[2J", "ü"]) {
    assertMatch((await soon(other.ask(nick)))!, /^\* Taken, or not .* Another one\?$/, nick);
  }
  assertEquals(await soon(other.ask("bob")), "* Welcome, bob");
  await expect_lines(ann, "* bob joined");
});

Deno.test("chat_room.ts shows control characters as text, and takes lines in any pieces", async () => {
  const { task, address } = await start();
  await using _task = task;
  using ann = await enter(address, "ann");
  using bob = await enter(address, "bob");
  bob.conn.setNoDelay();
  for (const byte of new TextEncoder().encode("caf\u00e9\x1b[2J\ra: b\u202e\n")) {
    await bob.conn.write(new Uint8Array([byte]));
  }
  await expect_lines(ann, "* bob joined", "bob: caf\u00e9%1B[2J%0Da: b%E2%80%AE");
});

Deno.test("chat_room.ts refuses a line that is too long, and says so", async () => {
  const { task, address } = await start();
  await using _task = task;
  using ann = await enter(address, "ann");
  using bob = await enter(address, "bob");
  await bob.send("x".repeat(1023));
  await expect_lines(ann, "* bob joined", `bob: ${"x".repeat(1023)}`);
  await bob.send("x".repeat(1024));
  await expect_lines(bob, "* A line has at most 1024 bytes. Goodbye!", null);
  await expect_lines(ann, "* bob left");
  using cy = await LineClient.connect(address);
  await worker_of(cy);
  await cy.send("x".repeat(5000));
  await expect_lines(cy, "* A line has at most 1024 bytes. Goodbye!", null);
});

Deno.test("chat_room.ts tells what a member said who leaves in the middle of a line", async () => {
  const { task, address } = await start();
  await using _task = task;
  using ann = await enter(address, "ann");
  using bob = await enter(address, "bob");
  await bob.conn.write(new TextEncoder().encode("half a li"));
  await bob.conn.closeWrite();
  await expect_lines(bob, null);
  await expect_lines(ann, "* bob joined", "bob: half a li", "* bob left");
  using again = await enter(address, "bob"); // the nick is free
  assertEquals(await soon(again.ask("/who")), "* ann bob");
});

Deno.test("chat_room.ts puts out a member who never reads, and the others talk on", async () => {
  const { task, address } = await start();
  await using _task = task;
  using ann = await enter(address, "ann");
  using bob = await enter(address, "bob");
  using deaf = await enter(address, "deaf");
  await expect_lines(ann, "* bob joined", "* deaf joined");
  await talk_until(ann, bob, "* deaf does not read, and is put out");
  assertEquals(await soon(ann.ask("/who")), "* ann bob");
  await read_to_end(deaf);
});

/** Has one talk and the other listen, no more than a few lines behind, up to a line. */
async function talk_until(speaker: LineClient, listener: LineClient, end: string): Promise<void> {
  // Control characters, which become three times as long: so the buffers of the system fill sooner.
  const lines = new TextEncoder().encode(`${"\x01".repeat(1000)}\n`.repeat(FEW));
  for (let told = false; !told;) {
    await write_bytes(speaker.conn, lines);
    for (let heard = 0; heard < FEW;) {
      if (await soon(listener.line()) === end) told = true;
      else heard++;
    }
  }
  await expect_lines(speaker, end);
}

/** Reads up to the end of the connection, whether by FIN or by reset. */
async function read_to_end(client: LineClient): Promise<void> {
  while (await line_or_end(client) !== null);
}

Deno.test({
  name: "chat_room.ts at SIGINT says goodbye to all members and ends, beside one without a nick",
  ignore: Deno.build.os === "windows",
  async fn() {
    const { task, address } = await start();
    await using _task = task;
    using ann = await enter(address, "ann");
    using bob = await enter(address, "bob");
    using nobody = await LineClient.connect(address);
    await worker_of(nobody);
    await expect_lines(ann, "* bob joined");
    task.child.kill("SIGINT");
    await expect_lines(ann, "* The room closes. Goodbye!");
    await expect_lines(bob, "* The room closes. Goodbye!");
    await Promise.all([ann, bob, nobody].map(read_to_end));
    for (const client of [ann, bob, nobody]) client[Symbol.dispose]();
    await task.ends_well();
  },
});

Deno.test({
  name: "nc: three of them chat across two workers, and hear the goodbye at SIGINT",
  ignore: Deno.build.os === "windows" || !is_there("nc"),
  async fn() {
    const { task, address } = await start();
    await using _task = task;
    const command = NC!.replace("8080", `${address.port}`);
    const workers = new Set<string>();
    await using ann = await enter_with_nc(command, "ann", workers);
    await using bob = await enter_with_nc(command, "bob", workers);
    await using cy = await enter_with_nc(command, "cy", workers);
    assertEquals(workers.size, 2);
    await cy.send("hello\n");
    await expect_lines(ann, "* bob joined", "* cy joined", "cy: hello");
    await expect_lines(bob, "* cy joined", "cy: hello");
    bob.child.kill("SIGTERM");
    await expect_lines(ann, "* bob left");
    await expect_lines(cy, "* bob left");
    task.child.kill("SIGINT");
    await expect_lines(ann, "* The room closes. Goodbye!");
    await expect_lines(cy, "* The room closes. Goodbye!");
    await task.ends_well();
  },
});

async function enter_with_nc(
  command: string,
  nick: string,
  workers: Set<string>,
): Promise<Task> {
  await using stack = new AsyncDisposableStack();
  const task = stack.use(new Task("--eval", command));
  workers.add(await worker_of(task));
  await task.send(`${nick}\n`);
  await expect_lines(task, `* Welcome, ${nick}`);
  stack.move();
  return task;
}

Deno.test("chat_room.ts: only who has a certificate comes in, under the name in it", async () => {
  const [localhost, ca] = ["localhost", "ca.crt"].map((name) => fileURLToPath(file(name)));
  const { task, address } = await start(` --tls ${localhost} --ca ${ca}`);
  await using _task = task;
  using anna = new LineClient(await connect_tls(address, "client"));
  assertMatch((await anna.line())!, /serves you\. You are client$/);
  assertEquals(await anna.line(), "* Welcome, client");
  assertEquals(await anna.ask("/who"), "* client");
  using again = new LineClient(await connect_tls(address, "client"));
  await again.line();
  assertMatch((await again.line())!, /^\* Taken/);
  assertEquals(await again.line(), null);
  const rogue = await or_end(connect_tls(address, "rogue"));
  if (rogue) {
    using client = new LineClient(rogue);
    assertEquals(await line_or_end(client), null);
  }
});
