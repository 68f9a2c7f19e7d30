/** The programs of the page and of the module, with the permissions that the page names. */
import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { ending_of, is_there, output_of } from "../../../tests/fixtures/programs/programs.ts";
import { TempFolder } from "../../../tests/fixtures/tools/temp_folder.ts";
import { blocks_of, name_of } from "../../../tests/docs/blocks.ts";
import { HAS_REDIS, RedisServer } from "./fixtures/redis_server.ts";

const CONFIG = fileURLToPath(new URL("../deno.json", import.meta.url));

/** A program of README. */
function program(name: string): string {
  const blocks = blocks_of("packages/redis/README.md").filter(({ info }) => info === "ts ignore");
  return blocks.find(({ code }) => name_of(code) === name)!.code;
}

/** What a program prints, with a right to connect and to read a file. */
async function run(code: string, folder: TempFolder, port: number): Promise<string> {
  const file = folder.join("program.ts");
  await Deno.writeTextFile(file, code);
  const rights = ["--no-prompt", `--allow-net=127.0.0.1:${port},localhost:${port}`];
  const read = code.includes("ca.pem") ? [`--allow-read=${folder.join("ca.pem")}`] : [];
  return await output_of(Deno.execPath(), [
    "run",
    "--quiet",
    "--no-lock",
    `--config=${CONFIG}`,
    ...rights,
    ...read,
    file,
  ]);
}

function free_port(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

Deno.test({
  name: "README: a producer and a consumer",
  ignore: !HAS_REDIS,
  fn: async () => {
    await using folder = await TempFolder.make();
    const port = free_port();
    await using _redis = await RedisServer.start("--port", `${port}`);
    const code = program("photos.ts").replace("127.0.0.1:6379", `127.0.0.1:${port}`);
    assertEquals(await run(code, folder, port), "cat.jpg\ndog.jpg\nowl.jpg\nall done\n");
    const [example] = blocks_of("packages/redis/redis_queue.ts");
    const short = example!.code.replace("photos", "others")
      .replace("127.0.0.1:6379", `127.0.0.1:${port}`);
    assertEquals(await run(short, folder, port), "cat.jpg 1\n");
  },
});

Deno.test({
  name: "README: TLS, with the certificate of an authority",
  ignore: !HAS_REDIS || !is_there("openssl"),
  fn: async () => {
    await using folder = await TempFolder.make();
    const [key, cert] = [folder.join("key.pem"), folder.join("ca.pem")];
    const { code: made } = await ending_of("openssl", [
      ..."req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost".split(" "),
      ...["-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert],
    ]);
    assertEquals(made, 0);
    const port = free_port();
    const tls = ["--tls-port", `${port}`, "--tls-cert-file", cert, "--tls-key-file", key];
    await using _redis = await RedisServer.start(...tls, "--tls-auth-clients", "no");
    const code = program("client.ts").replace("6380", `${port}`).replace("ca.pem", cert)
      .replace(`"@redis/client"`, `"npm:@redis/client@6"`);
    assertEquals(await run(code, folder, port), "hello\n");
  },
});
