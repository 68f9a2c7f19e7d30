import { assertEquals } from "@std/assert";
import { AsyncTCPServer, fake_request, StreamRequestHandler } from "../../mod.ts";
import { bytes_of, text_of } from "../fixtures/tools/bytes.ts";
import { soon } from "../fixtures/tools/waiting.ts";

/** Asks for a name, and greets. */
class PromptHandler extends StreamRequestHandler {
  static override wbufsize = -1;

  override async handle(): Promise<void> {
    await this.wfile.write("name? ");
    const name = text_of(await this.rfile.readline());
    await this.wfile.write(`hello ${name}`);
  }
}

/** Answers each line with its length. */
class LengthHandler extends StreamRequestHandler {
  static override wbufsize = 8192;

  override async handle(): Promise<void> {
    for await (const line of this.rfile) await this.wfile.write(`${line.length}\n`);
  }
}

/** Serves with a handler for as long as one client talks. */
async function talk(
  Handler: typeof PromptHandler | typeof LengthHandler,
  client: (conn: Deno.TcpConn) => Promise<void>,
): Promise<void> {
  await using server = new AsyncTCPServer(["127.0.0.1", 0], Handler);
  const serving = server.serve_forever();
  using conn = await Deno.connect({ ...server.server_address, transport: "tcp" });
  await soon(client(conn));
  await soon(server.shutdown());
  await soon(serving);
}

async function receive(conn: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(1024);
  return text_of(buffer.subarray(0, await conn.read(buffer) ?? 0));
}

Deno.test("StreamRequestHandler: what wfile has collected is sent while rfile waits", async () => {
  await talk(PromptHandler, async (conn) => {
    assertEquals(await receive(conn), "name? ");
    await conn.write(bytes_of("you\n"));
    assertEquals(await receive(conn), "hello you\n");
  });
});

Deno.test("StreamRequestHandler: replies to lines that came at once go together", async () => {
  await talk(LengthHandler, async (conn) => {
    for (let turn = 0; turn < 3; turn++) {
      await conn.write(bytes_of("a\nbb\nccc\n"));
      assertEquals(await receive(conn), "2\n3\n4\n");
    }
  });
});

Deno.test("StreamRequestHandler: a setting that is a field, as in Python, is warned of once", async () => {
  class FieldHandler extends StreamRequestHandler {
    timeout = 60;
    wbufsize = -1;
    other = 1;
  }
  const warnings: string[] = [];
  const { warn } = console;
  console.warn = (line: string) => warnings.push(line);
  try {
    for (const Handler of [FieldHandler, PromptHandler, FieldHandler]) {
      const request = fake_request("you\n");
      await new Handler(request, request.remoteAddr, {} as never).run();
    }
  } finally {
    console.warn = warn;
  }
  assertEquals(warnings, [
    "The field timeout of FieldHandler sets nothing: settings of handlers are static, as in " +
    "`static override timeout = …`",
    "The field wbufsize of FieldHandler sets nothing: settings of handlers are static, as in " +
    "`static override wbufsize = …`",
  ]);
});
