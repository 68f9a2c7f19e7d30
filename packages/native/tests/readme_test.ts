/** The program of the page, with the narrowest permissions that the page names, and without one of them. */
import { assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import { blocks_of } from "../../../tests/docs/blocks.ts";
import { ask_udp } from "../../../tests/fixtures/clients/datagrams.ts";
import { ending_of, Program } from "../../../tests/fixtures/programs/programs.ts";
import { HAS_NATIVE, LIBRARY } from "../../../tests/fixtures/servers/named_servers.ts";
import { TempFolder } from "../../../tests/fixtures/tools/temp_folder.ts";

const CONFIG = fileURLToPath(new URL("../deno.json", import.meta.url));

/** The programs of the page and of the mix-in, which print their port and choose it themselves. */
const PROGRAMS = ["README.md", "native_mixin.ts"].map((file) => {
  const [block] = blocks_of(`packages/native/${file}`).filter(({ info }) => info === "ts ignore");
  const serve = "await server.serve_forever";
  return block!.code.replace("9000", "0")
    .replace(serve, `console.log(server.server_address.port);\n${serve}`);
});

/** What `deno` is told to run a program. */
async function command(folder: TempFolder, program: string, flags: string[]): Promise<string[]> {
  const file = folder.join("program.ts");
  await Deno.writeTextFile(file, program);
  return ["run", "--quiet", "--no-lock", "--no-prompt", `--config=${CONFIG}`, ...flags, file];
}

const ignore = !HAS_NATIVE || !LIBRARY;
const NET = "--allow-net=127.0.0.1";

for (const program of PROGRAMS) {
  Deno.test(
    `README: the narrowest flag is enough: ${program.slice(0, 18)}`,
    { ignore },
    async () => {
      await using folder = await TempFolder.make();
      const flags = [NET, `--allow-ffi=${LIBRARY}`];
      await using running = new Program(...await command(folder, program, flags));
      const port = Number(await running.line());
      assertEquals(await ask_udp({ transport: "udp", hostname: "127.0.0.1", port }, "hi"), "hi");
    },
  );
}

/** What is missing, and what the program says. */
const MISSING: [flags: string[], says: RegExp][] = [
  [[NET], /NotCapable: Requires ffi access/],
  [["--allow-ffi"], /NotCapable: Requires net access to "127\.0\.0\.1:0"/],
];

for (const [flags, says] of MISSING) {
  Deno.test(`README: ${flags} alone is not enough, and it says so`, { ignore }, async () => {
    await using folder = await TempFolder.make();
    const args = await command(folder, PROGRAMS[0]!, flags);
    const { code, errors } = await ending_of(Deno.execPath(), args);
    assertEquals(code, 1);
    assertMatch(errors, says);
  });
}

Deno.test({
  name: "replies go only where --allow-net permits",
  ignore: !HAS_NATIVE,
  permissions: { net: ["127.0.0.1:0"], ffi: true, read: true },
  async fn() {
    const { NativeDatagramListener } = await import("../native_datagram_listener.ts");
    const addr = { transport: "udp", hostname: "127.0.0.1", port: 0 } as const;
    const options = { addr, reuse_address: false, backlog: 1, max_packet_size: 10 };
    const listener = new NativeDatagramListener(options);
    const sending = listener.send(new Uint8Array(1), { ...addr, port: 9 });
    const error = await sending.catch((error) => error);
    assertMatch(`${error}`, /NotCapable: Requires net access to "127\.0\.0\.1:9"/);
    await listener.close();
  },
});

Deno.test({
  name: "a name is sent to at the port that --allow-net permits, and at no other",
  ignore: !HAS_NATIVE,
  permissions: { net: ["127.0.0.1", "localhost:9"], ffi: true, read: true },
  async fn() {
    const { NativeDatagramListener } = await import("../native_datagram_listener.ts");
    const addr = { transport: "udp", hostname: "127.0.0.1", port: 0 } as const;
    const options = { addr, reuse_address: false, backlog: 1, max_packet_size: 10 };
    const listener = new NativeDatagramListener(options);
    const send = (port: number) =>
      listener.send(new Uint8Array(1), { ...addr, hostname: "localhost", port });
    assertEquals(await send(9), 1);
    const error = await send(10).catch((error) => error);
    assertMatch(`${error}`, /NotCapable: Requires net access to "localhost:10"/);
    await listener.close();
  },
});

/** The URL of a module beside the package's tests. */
function url_of(name: string): string {
  return new URL(`../${name}`, import.meta.url).href;
}

/** Sends to two ports of a host, the first of which is permitted: twice, and with more clients than are remembered between. */
const SENDS = `
import { NativeDatagramListener } from "${url_of("native_datagram_listener.ts")}";
import { check_net } from "${url_of("net_permission.ts")}";
const addr = { transport: "udp", hostname: "127.0.0.1", port: 0 } as const;
const options = { addr, reuse_address: false, backlog: 1, max_packet_size: 10 };
const listener = new NativeDatagramListener(options);
const { port } = listener.addr;
for (const to of [port, 9, port, 9]) {
  console.log(await listener.send(new Uint8Array(1), { ...addr, port: to }).catch(({ name }) => name));
  for (let other = 10; other < 5000; other++) check_net({ ...addr, port: other });
}
await listener.close();`;

for (const net of ["--allow-net", NET]) {
  Deno.test(`replies do not go where --deny-net forbids, with ${net}`, { ignore }, async () => {
    await using folder = await TempFolder.make();
    const flags = [net, "--deny-net=127.0.0.1:9", "--allow-ffi", "--allow-read"];
    await using running = new Program(...await command(folder, SENDS, flags));
    for (const said of ["1", "NotCapable", "1", "NotCapable"]) {
      assertEquals(await running.line(), said);
    }
    await running.ends_well();
  });
}
