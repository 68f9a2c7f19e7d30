/** What serving with workers says where these cannot load their modules, or cannot be started. */
import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { fileURLToPath } from "node:url";
import { refuse_bundle } from "../../../internal/workers/worker_modules.ts";
import { TempFolder } from "../../fixtures/tools/temp_folder.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url)).replace(/\/$/, "");
const DENO = Deno.execPath();

const HANDLER = `
  import { StreamRequestHandler } from "${ROOT}/mod.ts";
  export class Greeter extends StreamRequestHandler {
    static override module = import.meta.url;
    override async handle() { await this.wfile.write("hello"); }
  }
`;

/** Prints what a client got, or why nobody serves. */
const PROGRAM = `
  import * as mod from "${ROOT}/mod.ts";
  import { Greeter } from "./handler.ts";
  if (import.meta.main) {
    const Server = mod[Deno.args[0] as "ThreadingTCPServer"];
    const server = new Server(["127.0.0.1", 0], Greeter, { max_workers: 1, max_children: 1 });
    try {
      const serving = server.serve_forever();
      const { hostname, port } = server.server_address;
      const client = await Promise.race([Deno.connect({ hostname, port }), serving]);
      console.log(await Promise.race([new Response(client.readable).text(), serving]));
      await server.server_close({ grace: 0 });
      await serving;
    } catch (error) {
      console.log(error.name + ": " + error.message);
      Deno.exit(1);
    }
  }
`;

/** The program and its handler in a folder that is not the library's. */
async function write_program(): Promise<TempFolder> {
  const folder = await TempFolder.make();
  await Deno.writeTextFile(folder.join("handler.ts"), HANDLER);
  await Deno.writeTextFile(folder.join("server.ts"), PROGRAM);
  return folder;
}

interface Outcome {
  code: number;
  output: string;
  errors: string;
}

async function deno(cwd: string, ...args: string[]): Promise<Outcome> {
  const env = { NO_COLOR: "1" };
  const signal = AbortSignal.timeout(30_000);
  const { code, stdout, stderr } = await new Deno.Command(DENO, {
    args,
    cwd,
    env,
    signal,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, output: decoder.decode(stdout).trim(), errors: decoder.decode(stderr) };
}

/** What it prints, with these permissions beside that for the network. */
async function outcome_of(folder: TempFolder, name: string, flags: string[]): Promise<Outcome> {
  const options = ["--no-prompt", "--no-config", "--no-check", "--allow-net=127.0.0.1"];
  return await deno(folder.path, "run", ...options, ...flags, "server.ts", name);
}

const RUN = "--allow-run=deno";

for (const [name, ...more] of [["ThreadingTCPServer"], ["ForkingTCPServer", RUN]] as const) {
  Deno.test({
    name: `${name} says which modules its workers may not read, and serves with what it says`,
    // There child processes cannot be given connections.
    ignore: Deno.build.os === "windows",
    async fn() {
      await using folder = await write_program();
      const handler = await Deno.realPath(folder.join("handler.ts"));
      const cases: [flags: string[], missing: string][] = [
        [[], `${ROOT},${handler}`],
        [[`--allow-read=${handler}`], ROOT],
        [[`--allow-read=${ROOT}`], handler],
        [[`--allow-read=${handler},${ROOT}/server/pooled/request_service.ts`], ROOT],
      ];
      for (const [flags, missing] of cases) {
        const { code, output } = await outcome_of(folder, name, [...more, ...flags]);
        const [, told] = /--allow-read=(.*)$/.exec(output) ?? [];
        assertEquals(
          output,
          "NotCapable: Workers cannot read the modules that they need: " +
            `add --allow-read=${missing}`,
        );
        assertEquals(code, 1);
        const mended = [...more, ...flags, `--allow-read=${told}`];
        assertEquals(await outcome_of(folder, name, mended), {
          code: 0,
          output: "hello",
          errors: "",
        });
      }
    },
  });
}

Deno.test({
  name: "ForkingTCPServer says how deno may be run, and serves with what it says",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using folder = await write_program();
    for (const flags of [[], ["--allow-run=ls"]]) {
      const { code, output } = await outcome_of(folder, "ForkingTCPServer", [
        "--allow-read",
        ...flags,
      ]);
      assertEquals(
        output,
        `NotCapable: Cannot start child processes: add --allow-run=deno, or --allow-run=${DENO}`,
      );
      assertEquals(code, 1);
    }
    const mended = ["--allow-read", `--allow-run=${DENO}`];
    assertEquals((await outcome_of(folder, "ForkingTCPServer", mended)).output, "hello");
  },
});

Deno.test("refuse_bundle() knows a bundle by where its modules are", () => {
  refuse_bundle(new URL("../../../internal/workers/worker_modules.ts", import.meta.url).href);
  refuse_bundle(
    "https://jsr.io/@socketserver/socketserver/0.1.0/internal/workers/worker_modules.ts",
  );
  for (const url of ["file:///app/out.js", "file:///app/internal/workers.js"]) {
    assertThrows(() => refuse_bundle(url), Deno.errors.NotSupported, "deno compile");
  }
});

/** Whether there is what bundles: Deno fetches it when it is used for the first time. */
async function can_bundle(): Promise<boolean> {
  await using folder = await TempFolder.make();
  await Deno.writeTextFile(folder.join("main.ts"), "console.log(1);");
  const bundled = deno(folder.path, "bundle", "--quiet", "main.ts", "-o", "out.js");
  return await bundled.then(({ code }) => code === 0, () => false);
}

Deno.test({
  name: "deno bundle: a program with workers says that it cannot be bundled",
  ignore: !await can_bundle(),
  async fn() {
    await using folder = await write_program();
    await deno(folder.path, "bundle", "--quiet", "--no-config", "server.ts", "-o", "out.js");
    for (const name of ["ThreadingTCPServer", "ForkingTCPServer"]) {
      const { code, output, errors } = await deno(folder.path, "run", "-A", "out.js", name);
      assertMatch(output, /^NotSupported: .*cannot be bundled.*deno compile/);
      assertEquals(errors, "");
      assertEquals(code, 1);
    }
    const { output } = await deno(folder.path, "run", "-A", "out.js", "AsyncTCPServer");
    assertStringIncludes(output, "hello");
  },
});
