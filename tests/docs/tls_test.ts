/** The programs of docs/tls.md, and that of docs/deploying.md with TLS: as they are, but for ports and paths. */
import { assertEquals, assertMatch } from "@std/assert";
import { connect_tls, file, pem } from "../fixtures/certificates/certificates.ts";
import { LineClient } from "../fixtures/clients/clients.ts";
import { is_there, output_of, Program } from "../fixtures/programs/programs.ts";
import { free_address } from "../fixtures/tools/addresses.ts";
import { TempFolder } from "../fixtures/tools/temp_folder.ts";
import { until } from "../fixtures/tools/waiting.ts";
import { blocks_of, CONFIG, ROOT } from "./blocks.ts";

/** Starts a program of a page at an address: what its text says is replaced as told. */
async function start(folder: TempFolder, page: string, name: string, replaced: [string, string][]) {
  const { code } = blocks_of(page).find(({ code }) => code.startsWith(`// ${name}\n`))!;
  const text = replaced.reduce((text, [words, others]) => text.replace(words, others), code);
  await Deno.writeTextFile(folder.join(name), text);
  const flags = ["--no-prompt", "--allow-net", `--allow-read=${folder.path},${ROOT}`];
  return new Program("run", ...CONFIG, ...flags, folder.join(name));
}

/** Copies a certificate and its key to a folder. */
async function put(folder: TempFolder, pair: string, cert: string, key: string): Promise<void> {
  await Deno.copyFile(file(`${pair}.crt`), folder.join(cert));
  await Deno.copyFile(file(`${pair}.key`), folder.join(key));
}

/** What is answered over TLS, once there is somebody to answer. */
async function answer({ port }: Deno.NetAddr, hostname = "localhost"): Promise<string | null> {
  const { promise, resolve } = Promise.withResolvers<string | null>();
  await until(async () => {
    try {
      const raw = await Deno.connect({ port });
      using client = new LineClient(
        await Deno.startTls(raw, { hostname, caCerts: [pem("ca.crt")] }),
      );
      resolve(await client.ask("hello"));
      return true;
    } catch {
      return false;
    }
  });
  return await promise;
}

Deno.test("docs/tls.md: a server over TLS", async () => {
  await using folder = await TempFolder.make();
  await put(folder, "localhost", "server.crt", "server.key");
  const address = free_address();
  await using _program = await start(folder, "docs/tls.md", "server.ts", [
    ["8443", String(address.port)],
  ]);
  assertEquals(await answer(address), "hello");
});

Deno.test({
  name: "docs/tls.md: a server of mail, with STARTTLS",
  ignore: !is_there("openssl"),
  async fn() {
    await using folder = await TempFolder.make();
    await put(folder, "localhost", "server.crt", "server.key");
    const { port } = free_address();
    await using _program = await start(folder, "docs/tls.md", "mail.ts", [["2525", String(port)]]);
    await until(() => Deno.connect({ port }).then((conn) => (conn.close(), true), () => false));
    const args = ["s_client", "-connect", `127.0.0.1:${port}`, "-starttls", "smtp", "-quiet"];
    assertMatch(await output_of("openssl", args, "NOOP\nQUIT\n"), /250 OK\r\n221 Bye\r\n$/);
  },
});

Deno.test({
  name:
    "docs/deploying.md: a server takes the renewed certificate at SIGHUP, and keeps the old one if it is bad",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using folder = await TempFolder.make();
    await put(folder, "localhost", "fullchain.pem", "privkey.pem");
    const address = free_address();
    await using program = await start(folder, "docs/deploying.md", "tls_server.ts", [
      ["0.0.0.0", "127.0.0.1"],
      ["8443", String(address.port)],
      ["/etc/upper", folder.path],
    ]);
    assertEquals(await answer(address), "hello");
    await put(folder, "second", "fullchain.pem", "privkey.pem");
    program.child.kill("SIGHUP");
    assertEquals(await answer(address, "second.test"), "hello");
    await Deno.copyFile(file("localhost.key"), folder.join("privkey.pem"));
    program.child.kill("SIGHUP");
    (await connect_tls(address)).close();
    program.child.kill("SIGTERM");
    await program.status();
    assertMatch(await program.errors(), /privkey\.pem: it is not the key of tls\.cert/);
  },
});
