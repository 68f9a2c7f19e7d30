import { assertEquals } from "@std/assert";
import { IGNORED_SIGNALS } from "../../../internal/workers/ignored_signals.ts";
import { LineClient } from "../../fixtures/clients/clients.ts";
import { GroupProgram, is_there } from "../../fixtures/programs/programs.ts";
import { soon } from "../../fixtures/tools/waiting.ts";

const PROGRAM = new URL("../../fixtures/programs/signalled_program.ts", import.meta.url).href;
/** Only there does each of them exist, but for one. */
const ignore = Deno.build.os !== "linux" || !is_there("setsid");
const SIGNALS = (Object.keys(IGNORED_SIGNALS) as Deno.Signal[])
  .filter((signal) => signal !== "SIGBREAK");

Deno.test({
  name: "a child goes on with its request when its process group gets a signal, whichever",
  ignore,
  async fn() {
    await using program = new GroupProgram("run", "-A", PROGRAM, ...SIGNALS);
    const address = JSON.parse(await soon(program.line()));
    for (const signal of SIGNALS) {
      using client = await LineClient.connect(address);
      assertEquals(await soon(client.ask("begin")), "BEGIN");
      program.kill_all(signal);
      assertEquals(await soon(program.line()), signal);
      assertEquals(await soon(client.ask(`after ${signal}`)), `AFTER ${signal}`);
    }
    program.kill_all("SIGKILL");
    // At SIGUSR1 Deno itself opens a debugger, and says so.
    assertEquals((await program.errors()).replaceAll(/^.*(debug|inspect).*\n/gim, ""), "");
  },
});

/** What the default of each of these is, in a program that does nothing: the signal that ended it. */
async function ended_by(signal: Deno.Signal): Promise<string | null> {
  const code = 'console.log("ready"); setInterval(() => {}, 1000)';
  await using program = new GroupProgram("eval", code);
  await soon(program.line());
  program.kill_all(signal);
  return (await soon(program.status())).signal;
}

Deno.test({
  name: "each signal that children ignore would end a program that does not listen for it",
  ignore,
  async fn() {
    // At SIGUSR1 Deno opens a debugger, if the program has run for a while.
    const signals = SIGNALS.filter((signal) => signal !== "SIGUSR1");
    for (const signal of signals) assertEquals(await ended_by(signal), signal);
  },
});

Deno.test({
  name: "process.abort() ends a program that listens for SIGABRT",
  ignore: Deno.build.os === "windows",
  async fn() {
    const code =
      'Deno.addSignalListener("SIGABRT", () => {}); (await import("node:process")).abort()';
    const { success } = await new Deno.Command(Deno.execPath(), { args: ["eval", code] }).output();
    assertEquals(success, false);
  },
});
