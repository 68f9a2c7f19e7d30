/** What observers are told of TLS, and that it agrees with what `info()` counts. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { AsyncTCPServer, type TCPServer } from "../../mod.ts";
import {
  connect_tls,
  file,
  LOCALHOST,
  pair,
  pem,
  upgrade,
} from "../fixtures/certificates/certificates.ts";
import { LineClient, or_end } from "../fixtures/clients/clients.ts";
import { StartTlsHandler, TlsHandler } from "../fixtures/handlers/tls_handlers.ts";
import { serving } from "../fixtures/servers/serving.ts";
import { make_tls, test_tls } from "../fixtures/servers/tls_servers.ts";
import { Told } from "../fixtures/servers/told.ts";
import { bytes_of, read_to_end, write_bytes } from "../fixtures/tools/bytes.ts";
import { soon, until } from "../fixtures/tools/waiting.ts";

/** What has come of handshakes, with the number of each request once. */
function handshakes(told: Told) {
  const starts = told.of("handshake.start").map(({ id }) => id);
  const stops = told.of("handshake.stop");
  assertEquals(stops.map(({ id }) => id).sort(), starts.sort());
  assertEquals(new Set(starts).size, starts.length);
  for (const { duration } of stops) assert(duration > 0 && duration < 60_000);
  return stops;
}

/** The counts of a server that is closed follow from what was told. */
function assert_agree(told: Told, server: TCPServer): void {
  const stops = handshakes(told);
  const failed = stops.filter(({ error_type }) => error_type !== undefined);
  const info = server.info();
  const counts = {
    ...told.sums(),
    handshakes: stops.length - failed.length,
    handshakes_failed: failed.length,
  };
  assertEquals({ ...info, ...counts }, info);
}

/** Sends what is no TLS, and waits for the end. */
async function shout({ port }: Deno.NetAddr): Promise<void> {
  using conn = await Deno.connect({ port });
  await write_bytes(conn, bytes_of("GET / HTTP/1.0\r\n\r\n"));
  await or_end(read_to_end(conn));
}

test_tls("an observer is told of handshakes, good and bad", async (way) => {
  const told = new Told();
  const tls = { ...LOCALHOST, alpn_protocols: ["h2"] };
  const server = make_tls(way, TlsHandler, { tls, observer: told.observer });
  const { server_address: address } = server;
  {
    await using _ = serving(server);
    {
      using client = new LineClient(
        await connect_tls(address, undefined, { alpnProtocols: ["h2"] }),
      );
      assertEquals(await client.ask("hello"), "hello");
    }
    await until(() => server.info().completed === 1);
    await soon(shout(address));
    (await Deno.connect({ port: address.port })).close();
    await until(() => server.info().handshakes_failed === 2);
    await until(() => server.info().active === 0);
  }
  const stops = handshakes(told);
  const [{ id: _id, duration: _duration, time: _time, server: _server, ...good }] = stops as [
    typeof stops[0],
  ];
  assertEquals(good, {
    type: "handshake.stop",
    protocol: "TLSv1.3",
    alpn: "h2",
    resumed: false,
  });
  const outcomes = told.stops().map(({ outcome, error_type }) => [outcome, error_type]);
  assertEquals(outcomes, [
    ["completed", undefined],
    ["unsecured", stops[1]!.error_type],
    ["unsecured", stops[2]!.error_type],
  ]);
  assertEquals(stops[1]!.error_type, "TlsError");
  assertEquals(server.info().accepted, 3);
  assert_agree(told, server);
});

test_tls(
  "an observer is told of handshakes that a handler begins, and all bytes count",
  async (way) => {
    const told = new Told();
    const options = { tls: null, observer: told.observer };
    const server = make_tls(way, StartTlsHandler, options);
    server.handle_error = () => {};
    const { port } = server.server_address;
    const greet = async () => {
      const conn = await soon(Deno.connect({ port }));
      const client = new LineClient(conn);
      assertEquals(await client.line(), "220 ready");
      assertEquals(await client.ask("STARTTLS"), "220 go ahead");
      return conn;
    };
    {
      await using _ = serving(server);
      assertEquals(server.info().handshakes, undefined);
      {
        using client = new LineClient(await upgrade(await greet()));
        assertEquals(await client.ask("QUIT"), "221 bye");
      }
      await until(() => server.info().completed === 1);
      {
        using conn = await greet();
        await write_bytes(conn, bytes_of("MAIL FROM:<evil>\r\n"));
        await or_end(read_to_end(conn));
      }
      await until(() => server.info().failed === 1);
    }
    const [good, bad] = handshakes(told);
    assertEquals([good!.protocol, good!.resumed, bad!.error_type], ["TLSv1.3", false, "TlsError"]);
    const [quit, evil] = told.stops();
    assertEquals([quit!.outcome, evil!.outcome], ["completed", "failed"]);
    assertEquals(quit!.bytes_out, "220 ready\r\n220 go ahead\r\n221 bye\r\n".length);
    assertEquals(quit!.bytes_in, "STARTTLS\nQUIT\n".length);
    assert_agree(told, server);
  },
);

Deno.test("an observer is told of certificates that were read again, and of those that are not taken", async () => {
  const told = new Told();
  await using server = new AsyncTCPServer(["127.0.0.1", 0], TlsHandler, {
    tls: LOCALHOST,
    observer: told.observer,
  });
  server.reload_tls(pair("second"));
  assertThrows(() => server.reload_tls({ cert: pem("second.crt"), key: file("localhost.key") }));
  const reloads = told.of("tls.reload").map(({ ok, error_type }) => [ok, error_type]);
  assertEquals(reloads, [[true, undefined], [false, "RangeError"]]);
  for (const { not_after } of told.of("tls.reload")) assert(not_after > Date.now());
});
