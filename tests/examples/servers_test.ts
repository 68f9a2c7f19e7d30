/** The server and the client of `examples/servers/` that are two programs. */
import { commands_of, Task } from "../fixtures/programs/programs.ts";
import { assert_kept, promised_in } from "./promises.ts";

const EXAMPLES = new URL("../../examples/servers/", import.meta.url);

/** Starts one of them at this port, instead of that in its head. */
function start(example: string, port: number): Task {
  const [command] = commands_of(`servers/${example}`);
  const net = port === 0 ? "127.0.0.1" : `127.0.0.1:${port}`;
  const elsewhere = command!.replace("127.0.0.1:8080", net).replace(
    "--port 8080",
    `--port ${port}`,
  );
  return new Task("--eval", elsewhere);
}

/** Compares what a program prints with what its head promises; the first lines are known already. */
async function assert_prints(
  program: Task,
  example: string,
  port: number,
  printed: string[] = [],
): Promise<void> {
  const promised = promised_in(await Deno.readTextFile(new URL(example, EXAMPLES)))!;
  const lines = promised.lines.map((line) => line.replace("8080", String(port)));
  while (printed.length < lines.length) printed.push(await program.line());
  assert_kept({ ...promised, lines }, printed);
}

Deno.test("upper_server.ts and upper_client.ts print what their heads promise", async () => {
  await using server = start("upper_server.ts", 0);
  const serving = await server.line();
  const port = Number(/:(\d+);/.exec(serving)![1]);
  await using client = start("upper_client.ts", port);
  await client.send("hello\nbye\n");
  await assert_prints(client, "upper_client.ts", port);
  await client.ends_well();
  await assert_prints(server, "upper_server.ts", port, [serving]);
});
