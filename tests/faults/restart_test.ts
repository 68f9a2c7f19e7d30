/** Programs that are replaced while clients come: a supervisor holds the socket. */
import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { LineClient } from "../fixtures/clients/clients.ts";
import { GroupProgram, is_there } from "../fixtures/programs/programs.ts";
import { LONG, soon } from "../fixtures/tools/waiting.ts";

const path_of = (file: string) => fileURLToPath(new URL(`../fixtures/${file}`, import.meta.url));
const SUPERVISOR = path_of("programs/supervisor.py");
const SERVER = path_of("programs/inheriting_server.ts");
const ignore = Deno.build.os === "windows" || !is_there("python3");

/** How many clients there are, each with one connection after the other. */
const CLIENTS = 16;

/** Asks one thing after the other, each in a connection of its own, and gives who has answered. */
async function ask_on(port: number, signal: AbortSignal): Promise<string[]> {
  const address: Deno.NetAddr = { transport: "tcp", hostname: "127.0.0.1", port };
  const answers: string[] = [];
  while (!signal.aborted) {
    using client = await LineClient.connect(address);
    const answer = await client.ask("hello");
    const [, pid] = /^(\d+) hello$/.exec(`${answer}`) ?? [];
    answers.push(pid ?? `${answer}`);
  }
  return answers;
}

/** A program that keeps another one running. */
class Supervisor extends GroupProgram {
  protected override command_line(args: string[]): [file: string, ...args: string[]] {
    return ["setsid", "python3", SUPERVISOR, Deno.execPath(), ...args];
  }
}

for (const name of ["AsyncTCPServer", "ThreadingTCPServer"]) {
  Deno.test({
    name: `python3: ${name}: no request is lost while the program is replaced twice`,
    ignore,
    async fn() {
      await using supervisor = new Supervisor("run", "-A", SERVER, name);
      const port = Number(await supervisor.line(LONG));
      const controller = new AbortController();
      const clients = Promise.all(
        Array.from({ length: CLIENTS }, () => ask_on(port, controller.signal)),
      );
      // A client that fails does so before the replacements are done.
      const replaced = (async () => {
        for (let restart = 0; restart < 2; restart++) {
          await supervisor.send("next\n");
          assertEquals(await supervisor.line(LONG), "0");
        }
      })();
      await Promise.race([clients, replaced]);
      controller.abort();
      await replaced;
      const answers = (await soon(clients)).flat();
      assertEquals(new Set(answers).size, 3, `${new Set(answers)}`);
      assert(answers.every((pid) => /^\d+$/.test(pid)), `${new Set(answers)}`);
      await supervisor.child.stdin.close();
      assertEquals(await supervisor.line(LONG), "0");
      await supervisor.ends_well();
    },
  });
}
