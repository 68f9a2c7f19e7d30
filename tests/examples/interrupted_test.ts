import { assertEquals, assertMatch } from "@std/assert";
import { commands_of, Task } from "../fixtures/programs/programs.ts";
import { TempFolder } from "../fixtures/tools/temp_folder.ts";
import { soon } from "../fixtures/tools/waiting.ts";

/** The examples that serve until they are told to end. */
const EXAMPLES = [
  "chat_room.ts",
  "dns_server.ts",
  "http_file_server.ts",
  "key_value_store.ts",
  "logging_receiver.ts",
  "servers/upper_server.ts",
  "smtp_sink.ts",
  "socks5_proxy.ts",
  "syslog_collector.ts",
  "upper_tcp_server.ts",
  "upper_udp_server.ts",
  "upper_unix_server.ts",
];

/** The command of an example's head, at free ports and with its socket in a folder. */
function command_of(example: string, folder: TempFolder): string {
  return commands_of(example)[0]!.replace(/--port \d+/, "--port 0").replace(/(127.0.0.1):\d+/, "$1")
    .replace(" --tls server", "")
    .replaceAll("/tmp/syslog.sock", folder.join("a.sock"))
    .replaceAll(/(\$PWD\/)?socketserver\.sock/g, folder.join("a.sock"));
}

for (const example of EXAMPLES) {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.test({
      name: `${example} ends cleanly at ${signal}`,
      ignore: Deno.build.os === "windows",
      async fn() {
        await using folder = await TempFolder.make();
        await using task = new Task("--eval", command_of(example, folder));
        assertMatch(await soon(task.line()), /^(Chatting|Collecting|Receiving|Serving) .*;/);
        task.child.kill(signal);
        await task.ends_well();
        assertEquals([...Deno.readDirSync(folder.path)].map(({ name }) => name), []);
      },
    });
  }
}
