/** Many clients at once, from outside, with Python, against a threaded server without limits. */
import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { is_there, output_of, Program } from "../fixtures/programs/programs.ts";
import { soon } from "../fixtures/tools/waiting.ts";

const CROWD = fileURLToPath(new URL("../fixtures/clients/crowd.py", import.meta.url));
const SERVER = fileURLToPath(new URL("../fixtures/programs/upper_server.ts", import.meta.url));
const ignore = !is_there("python3") || Deno.build.os === "windows";

/** What a server or a client needs of descriptors beside its connections. */
const OWN_DESCRIPTORS = 200;

async function start_server(): Promise<[Program, string]> {
  const program = new Program("run", "--allow-net", "--allow-read", SERVER);
  const [, port] = /:(\d+);/.exec(await soon(program.line()))!;
  return [program, port!];
}

Deno.test({
  name: "python3: 10,000 idle connections, or what descriptors allow, are held and each answered",
  ignore,
  async fn() {
    const limit = Number(await output_of("sh", ["-c", "ulimit -n"]));
    const count = Math.min(10_000, (limit || 10_200) - OWN_DESCRIPTORS);
    const [program, port] = await start_server();
    await using _ = program;
    const output = await output_of(
      "python3",
      [CROWD, "127.0.0.1", port, "idle", `${count}`],
      "go\n",
    );
    const [held, result] = output.trim().split("\n").map((line) => JSON.parse(line));
    assertEquals(held.connected, count);
    assertEquals(result.answered, count);
  },
});

Deno.test({
  name: "python3: 500 clients that write byte by byte get their replies, and so do 50 beside them",
  ignore,
  async fn() {
    const [program, port] = await start_server();
    await using _ = program;
    const words = [CROWD, "127.0.0.1", port, "slow", "500", "50", "1"];
    const { beside, lines_of_slow_writers } = JSON.parse(await output_of("python3", words));
    assertEquals(lines_of_slow_writers, 500);
    assert(beside.replies > 500, `${beside.replies} replies to 50 clients`);
  },
});
