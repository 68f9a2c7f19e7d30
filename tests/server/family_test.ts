/** All sixteen servers, with clients that others wrote; nothing is left when they close. */
import { assert, assertEquals } from "@std/assert";
import * as mod from "../../mod.ts";
import { names_with_native } from "../fixtures/servers/named_servers.ts";
import { is_there, output_of, Program } from "../fixtures/programs/programs.ts";
import { TempFolder } from "../fixtures/tools/temp_folder.ts";

/** Python's clients, by transport: three at once, each with a line of its own. */
const CLIENT = `
import json, os, socket, sys, tempfile
address = json.loads(sys.argv[1])
unix = "path" in address
stream = address["transport"] in ("tcp", "unix")
where = address["path"] if unix else (address["hostname"], address["port"])
family = socket.AF_UNIX if unix else socket.AF_INET
clients = []
for n in range(3):
    client = socket.socket(family, socket.SOCK_STREAM if stream else socket.SOCK_DGRAM)
    client.settimeout(10)
    if unix and not stream:
        client.bind(os.path.join(sys.argv[2], f"client{os.getpid()}.{n}"))
    client.connect(where)
    clients.append(client)
for n, client in enumerate(clients):
    client.send(b"client %d\\n" % n)
for client in clients:
    print(client.recv(100).decode(), end="")
    client.close()
`;
import { children_of } from "../fixtures/programs/processes.ts";

const FAMILY = Object.keys(mod).filter((name) => /Server$/.test(name) && name !== "BaseServer");

Deno.test("the family has sixteen servers", () => {
  assertEquals(FAMILY.length, 16);
});

const NATIVE = ["NativeUDPServer", "NativeAsyncUDPServer", "NativeThreadingUDPServer"];

for (const name of names_with_native(FAMILY, ...NATIVE)) {
  Deno.test({
    name: `${name} answers three clients of Python's at once, stops, and leaves nothing`,
    ignore: Deno.build.os !== "linux" || !is_there("python3"),
    async fn() {
      await using folder = await TempFolder.make();
      const script = new URL("../fixtures/programs/family_member.ts", import.meta.url).pathname;
      await using server = new Program("run", "-A", "--unstable-net", script, name, folder.path);
      for (let time = 0; time < 2; time++) {
        const address = await server.line();
        const replies = await output_of("python3", ["-c", CLIENT, address, folder.path]);
        assertEquals(replies, "CLIENT 0\nCLIENT 1\nCLIENT 2\n");
        await server.send("stop\n");
      }
      const { before, after, took } = JSON.parse(await server.line());
      assertEquals(after.length, before.length, `${before}\nbecame ${after}`);
      assert(took < 4000, `the loop ended after ${took} ms`);
      const files = [...Deno.readDirSync(folder.path)].map((entry) => entry.name);
      assertEquals(files.filter((file) => !file.startsWith("client")), []);
      assertEquals(await children_of(server.child.pid), []);
    },
  });
}
