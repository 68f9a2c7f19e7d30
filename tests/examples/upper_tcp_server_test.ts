import { assert, assertEquals, assertMatch } from "@std/assert";
import { line_or_end, LineClient } from "../fixtures/clients/clients.ts";
import { is_there, output_of, Task } from "../fixtures/programs/programs.ts";
import { soon } from "../fixtures/tools/waiting.ts";

/** The server of `deno task start`, on a free port. */
async function start(...words: string[]): Promise<{ task: Task; address: Deno.NetAddr }> {
  const task = new Task("start", "--port", "0", ...words);
  const line = await task.line();
  assertMatch(line, /^Serving on 127\.0\.0\.1:\d+; try: /);
  const port = Number(/:(\d+);/.exec(line)![1]);
  return { task, address: { transport: "tcp", hostname: "127.0.0.1", port } };
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test({
    name: `deno task start ends cleanly at ${signal}, beside an idle client`,
    ignore: Deno.build.os === "windows",
    async fn() {
      const { task, address } = await start("--workers", "2");
      await using _task = task;
      using client = await LineClient.connect(address);
      assertEquals(await client.ask("hello"), "HELLO");
      const asked = performance.now();
      task.child.kill(signal);
      assertEquals(await client.line(), null);
      await task.ends_well();
      const took = performance.now() - asked;
      assert(took < 4000, `It took ${took} ms`); // The grace is 5000.
    },
  });
}

/** The codes are those of a shell, for what a signal ended. */
for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  Deno.test({
    name: `deno task start answers a busy client after ${signal}, and ends at once at a second one`,
    ignore: Deno.build.os === "windows",
    async fn() {
      const { task, address } = await start();
      await using _task = task;
      using busy = await LineClient.connect(address);
      assertEquals(await soon(busy.ask("busy")), "BUSY");
      await busy.conn.write(new TextEncoder().encode("half a line, "));
      using stuck = await LineClient.connect(address);
      assertEquals(await soon(stuck.ask("stuck")), "STUCK");
      await stuck.conn.write(new TextEncoder().encode("half a line, "));
      using idle = await LineClient.connect(address);
      assertEquals(await soon(idle.ask("idle")), "IDLE");
      const asked = performance.now();
      for (let times = 0; times < 3; times++) task.child.kill(signal); // as one Ctrl-C may come
      assertEquals(await soon(idle.line()), null);
      assertEquals(await soon(busy.ask("and the rest")), "HALF A LINE, AND THE REST");
      await task.kill_until_it_ends(signal);
      assertEquals((await task.status()).code, code);
      const took = performance.now() - asked;
      assert(took < 4000, `It took ${took} ms`); // The grace is 5000.
      assertEquals(await line_or_end(stuck), null);
    },
  });
}

Deno.test("deno task start answers characters that are split over two reads", async () => {
  const { task, address } = await start();
  await using _task = task;
  using client = await LineClient.connect(address);
  const bytes = new TextEncoder().encode("café\n");
  await client.conn.write(bytes.subarray(0, 4));
  await client.send("");
  assertEquals(await client.line(), "CAF\uFFFD");
  await client.conn.write(bytes.subarray(0, 4));
  await new Promise((resolve) => setTimeout(resolve, 20));
  await client.conn.write(bytes.subarray(4));
  assertEquals(await client.line(), "CAFÉ");
});

Deno.test("deno task client prints what was sent and received, as in Python's documentation", async () => {
  const { task, address } = await start();
  await using _task = task;
  await using client = new Task("client", "--port", `${address.port}`, "hello world");
  assertEquals(await client.line(), "Sent:     hello world");
  assertEquals(await client.line(), "Received: HELLO WORLD");
});

Deno.test("deno task client --help says how to use it, and does not connect", async () => {
  await using client = new Task("client", "--port", "1", "--help");
  assertMatch(await client.errors(), /^Usage: .*--host.*--port/);
  assertEquals((await client.status()).code, 0);
});

Deno.test("deno task start and deno task client say in one line what to do about the port", async () => {
  const { task, address: { port } } = await start();
  await using _task = task;
  await using second = new Task("start", "--port", `${port}`);
  assertEquals(
    await second.errors(),
    `Port ${port} is taken: deno task start --port ${port + 1}\n`,
  );
  assertEquals((await second.status()).code, 1);
  task.child.kill("SIGINT");
  await task.status();
  await using client = new Task("client", "--port", `${port}`, "hello");
  assertEquals(
    await client.errors(),
    `Nothing listens at 127.0.0.1:${port}: start a server, or write its --port\n`,
  );
  assertEquals((await client.status()).code, 1);
});

Deno.test("deno task start says what it does not understand", async () => {
  await using task = new Task("start", "--prot", "8080");
  const { code } = await task.status();
  assertEquals(code, 2);
  assertMatch(await task.errors(), /--prot[\s\S]*Usage/);
});

Deno.test({
  name: "nc: deno task start answers a file of lines",
  ignore: !is_there("nc"),
  async fn() {
    const { task, address } = await start();
    await using _task = task;
    const answer = await output_of("nc", ["-N", address.hostname, `${address.port}`], "a\nb\nc");
    assertEquals(answer, "A\nB\nC");
  },
});

/** Python's documentation, almost to the letter, and 100 clients of 20 lines. */
const PYTHON_CLIENT = `
import socket, sys, threading
address = ("127.0.0.1", int(sys.argv[1]))
with socket.create_connection(address) as sock:
    sock.sendall(b"hello\\n")
    assert sock.recv(1024) == b"HELLO\\n"
wrong = []
def talk(n):
    with socket.create_connection(address) as sock, sock.makefile("rwb", buffering=0) as file:
        for turn in range(20):
            file.write(b"line %d of %d\\n" % (turn, n))
            if file.readline() != b"LINE %d OF %d\\n" % (turn, n):
                wrong.append(n)
threads = [threading.Thread(target=talk, args=(n,)) for n in range(100)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print("wrong:", wrong)
`;

Deno.test({
  name: "python3: deno task start answers 100 clients of 20 lines each",
  ignore: !is_there("python3"),
  async fn() {
    const { task, address } = await start();
    await using _task = task;
    assertEquals(
      await output_of("python3", ["-", `${address.port}`], PYTHON_CLIENT),
      "wrong: []\n",
    );
  },
});

/** Runs the server on a terminal, where Deno would ask for what it lacks; prints answer and exit code. */
const TERMINAL = `
import os, pty, re, select, socket, sys, time
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], [sys.argv[1], "task", "start", "--port", "0"])
shown, limit = b"", time.time() + 20
while not re.search(rb"Serving on 127.0.0.1:(\\d+);", shown) and time.time() < limit:
    if select.select([terminal], [], [], 1)[0]:
        shown += os.read(terminal, 1000)
port = int(re.search(rb"Serving on 127.0.0.1:(\\d+);", shown)[1])
with socket.create_connection(("127.0.0.1", port), 10) as sock:
    sock.sendall(b"hello\\n")
    print(sock.recv(1024).decode().strip())
os.write(terminal, b"\\x03")
code = None
while code is None and time.time() < limit:
    if select.select([terminal], [], [], 0.05)[0]:
        try:
            os.read(terminal, 1000)
        except OSError:
            pass
    ended, status = os.waitpid(pid, os.WNOHANG)
    code = os.waitstatus_to_exitcode(status) if ended else None
print("exit", code)
if code is None:
    os.kill(pid, 9)
`;

Deno.test({
  name: "python3: deno task start on a terminal asks for no permission, and Ctrl-C ends it",
  ignore: !is_there("python3") || Deno.build.os === "windows",
  async fn() {
    const printed = await output_of("python3", ["-", Deno.execPath()], TERMINAL);
    assertEquals(printed, "HELLO\nexit 0\n");
  },
});
