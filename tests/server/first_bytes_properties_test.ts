/** What strangers say first to a server that expects TLS, or the header of a proxy: their connection ends, and no other. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { AsyncTCPServer, type ServerOptions, ThreadingTCPServer } from "../../mod.ts";
import { connect_tls, LOCALHOST } from "../fixtures/certificates/certificates.ts";
import { client_hello } from "../fixtures/clients/client_hello.ts";
import { LineClient, or_end } from "../fixtures/clients/clients.ts";
import { V1, V2 } from "../fixtures/clients/proxy_headers.ts";
import { OriginHandler } from "../fixtures/handlers/proxy_handlers.ts";
import { Noting } from "../fixtures/servers/noting.ts";
import { serving } from "../fixtures/servers/serving.ts";
import { bytes_of, concat, read_to_end, same_bytes, text_of } from "../fixtures/tools/bytes.ts";
import { changed, changes, cut, places, slow_runs, some_bytes } from "../fixtures/tools/fuzz.ts";
import { soon, turn, until } from "../fixtures/tools/waiting.ts";

const HERE: [string, number] = ["127.0.0.1", 0];

/** Servers that run handlers here, and in workers, to which connections go after the first bytes or before. */
const SERVERS = { AsyncTCPServer, ThreadingTCPServer } as Record<string, typeof AsyncTCPServer>;

function make(Server: typeof AsyncTCPServer, options: ServerOptions) {
  const Class = Noting(Server) as unknown as typeof AsyncTCPServer;
  const more = { max_workers: 1, proxy_timeout: Infinity, handshake_timeout: Infinity };
  const known = Object.entries(more).filter(([name]) => name in Server);
  const settings = { ...Object.fromEntries(known), ...options };
  return serving(new Class(HERE, OriginHandler, settings));
}

/** Sends bytes in pieces, then FIN; gives what comes. */
async function say(address: Deno.NetAddr, pieces: Uint8Array[]): Promise<Uint8Array | null> {
  using conn = await soon(Deno.connect(address as Deno.ConnectOptions));
  const reading = or_end(read_to_end(conn));
  // It may have been refused before all is sent.
  for (const piece of pieces) {
    if (piece.length > 0) await conn.write(piece).catch(() => {});
    await turn();
  }
  await conn.closeWrite().catch(() => {});
  return await soon(reading);
}

for (const [name, Server] of Object.entries(SERVERS)) {
  Deno.test(`${name}: what strangers say in place of TLS`, async () => {
    const hello = await client_hello();
    await using server = make(Server, { tls: LOCALHOST });
    const said = fc.oneof(
      { weight: 4, arbitrary: changes("\u0016\u0003\u0001").map((list) => changed(hello, list)) },
      { weight: 1, arbitrary: some_bytes(40) },
      { weight: 1, arbitrary: fc.constant(hello) },
    );
    await fc.assert(
      fc.asyncProperty(said, places, async (bytes, places) => {
        const answer = await say(server.server_address, cut(bytes, places));
        if (same_bytes(bytes, hello)) assertEquals(answer?.[0], 22);
        // An alert, or the beginning of a handshake: records of TLS, and nothing of the handler.
        assert(
          !answer || answer.length === 0 || [21, 22].includes(answer[0]!),
          String(answer?.[0]),
        );
        using client = new LineClient(await connect_tls(server.server_address));
        assertEquals(JSON.parse((await client.ask("hello"))!).line, "hello");
      }),
      slow_runs(15),
    );
    await until(() => server.info().active === 0);
    assertEquals(server.info().failed, 0);
  });

  Deno.test(`${name}: what strangers say in place of the header of a proxy`, async () => {
    await using server = make(Server, {
      proxy_protocol: "required",
      trusted_proxies: ["127.0.0.1"],
    });
    const headers = fc.constantFrom(V1, V2);
    const said = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.tuple(headers, changes("PROXY 46\r\n.:")).map(([bytes, list]) =>
          changed(bytes, list)
        ),
      },
      { weight: 1, arbitrary: some_bytes(40) },
      { weight: 2, arbitrary: headers },
    );
    await fc.assert(
      fc.asyncProperty(said, places, headers, async (bytes, places, good) => {
        const answer = await say(
          server.server_address,
          cut(concat(bytes, bytes_of("a\nb\n")), places),
        );
        const lines = text_of(answer ?? new Uint8Array(0)).split("\n").slice(0, -1)
          .map((line) => JSON.parse(line));
        for (const { client_address, proxy } of lines) {
          assert(proxy.command === "LOCAL" || client_address.port !== undefined);
        }
        if (bytes === V1 || bytes === V2) assertEquals(lines.map(({ line }) => line), ["a", "b"]);
        const other = await say(server.server_address, [good, bytes_of("hello\n")]);
        const { line, client_address } = JSON.parse(text_of(other!));
        assertEquals([line, client_address.hostname], ["hello", "192.0.2.7"]);
      }),
      slow_runs(20),
    );
    await until(() => server.info().active === 0);
    assertEquals(server.info().failed, 0);
  });
}
