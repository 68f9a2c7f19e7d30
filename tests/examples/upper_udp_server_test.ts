import { assertEquals, assertMatch } from "@std/assert";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { commands_of, is_there, output_of, Task } from "../fixtures/programs/programs.ts";

const [RUN, RUN_FAST] = commands_of("upper_udp_server.ts");
const [CLIENT] = commands_of("udp_client.ts");

/** The server on a free port, started by a command of its head comment. */
async function start(command: string): Promise<{ task: Task; port: number }> {
  await using stack = new AsyncDisposableStack();
  const task = stack.use(new Task("--eval", command.replace("--port 8080", "--port 0")));
  const line = await task.line();
  assertMatch(line, /^Serving on 127\.0\.0\.1:\d+; Ctrl-C ends it$/);
  stack.move();
  return { task, port: Number(/:(\d+);/.exec(line)![1]) };
}

/** The client of Python's documentation, to the letter but for the port and the first line. */
const PYTHON_CLIENT = `
import socket; socket.setdefaulttimeout(20)
import sys

HOST, PORT = "localhost", int(sys.argv.pop(1))
data = " ".join(sys.argv[1:])

# SOCK_DGRAM is the socket type to use for UDP sockets
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

# As you can see, there is no connect() call; UDP has no connections.
# Instead, data is directly sent to the recipient via sendto().
sock.sendto(bytes(data + "\\n", "utf-8"), (HOST, PORT))
received = str(sock.recv(1024), "utf-8")

print("Sent:    ", data)
print("Received:", received)
`;

for (const [command, how] of [[RUN!, "without a flag"], [RUN_FAST!, "with --unstable-net"]]) {
  Deno.test(`upper_udp_server.ts answers udp_client.ts, ${how}`, async () => {
    const { task, port } = await start(command!);
    await using _task = task;
    await using client = new Task("--eval", `${CLIENT} --port ${port}`);
    assertEquals(await client.line(), "Sent:     hello world");
    assertEquals(await client.line(), "Received: HELLO WORLD");
    await client.ends_well();
    assertEquals(await task.line(), "127.0.0.1 wrote:");
    assertEquals(await task.line(), '"hello world"');
  });

  Deno.test({
    name: `python3: upper_udp_server.ts answers the client of Python's documentation, ${how}`,
    ignore: !is_there("python3"),
    async fn() {
      const { task, port } = await start(command!);
      await using _task = task;
      assertEquals(
        await output_of("python3", ["-", `${port}`, "python", "is", "nice"], PYTHON_CLIENT),
        "Sent:     python is nice\nReceived: PYTHON IS NICE\n",
      );
      assertEquals(await task.line(), "127.0.0.1 wrote:");
      assertEquals(await task.line(), '"python is nice"');
    },
  });
}

Deno.test("upper_udp_server.ts prints what could harm a terminal as harmless text", async () => {
  const { task, port } = await start(RUN!);
  await using _task = task;
  await using socket = createSocket("udp4");
  const received = once(socket, "message");
  socket.send("a\x1b[2J\n", port, "127.0.0.1");
  await received;
  assertEquals(await task.line(), "127.0.0.1 wrote:");
  assertEquals(await task.line(), String.raw`"a\x1b[2J"`);
});
