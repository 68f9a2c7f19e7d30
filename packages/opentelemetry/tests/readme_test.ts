/** The program of the page, with the permissions that the page names. */
import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { ask } from "../../../tests/fixtures/clients/clients.ts";
import { Program } from "../../../tests/fixtures/programs/programs.ts";
import { TempFolder } from "../../../tests/fixtures/tools/temp_folder.ts";
import { blocks_of } from "../../../tests/docs/blocks.ts";

const CONFIG = fileURLToPath(new URL("../deno.json", import.meta.url));

Deno.test("README: a server with metrics and spans", async () => {
  await using folder = await TempFolder.make();
  const file = folder.join("echo.ts");
  const { code } = blocks_of("packages/opentelemetry/README.md")
    .find(({ info }) => info === "ts ignore")!;
  const prints = "console.log(server.server_address.port);\n$&";
  await Deno.writeTextFile(
    file,
    code.replace("8080", "0").replace("await server.serve_forever(", prints),
  );
  const rights = ["--no-prompt", "--allow-net", "--allow-read"];
  await using program = new Program("run", "--no-lock", `--config=${CONFIG}`, ...rights, file);
  const port = Number(await program.line());
  assertEquals(await ask({ transport: "tcp", hostname: "127.0.0.1", port }, "hello"), "hello");
});
