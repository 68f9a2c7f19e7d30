/** What the library needs of `node:tls` in Deno: each test says what stopped working, if one fails. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { once } from "node:events";
import net from "node:net";
import tls from "node:tls";
import { start_reading, stop_reading } from "../../../internal/runtime/deno_internals.ts";
import {
  open_tls,
  parts_of_pfx,
  peer_of,
  type TlsEvents,
} from "../../../internal/runtime/tls_internals.ts";
import { file, pem } from "../../fixtures/certificates/certificates.ts";
import { bytes_of, text_of } from "../../fixtures/tools/bytes.ts";
import { is_pending, soon, until } from "../../fixtures/tools/waiting.ts";

/** What has become of the server's side. */
interface Side {
  raw: net.Socket;
  socket: tls.TLSSocket;
  secured: PromiseWithResolvers<void>;
  data: string[];
  bytes: number;
  errors: string[];
  is_ended: boolean;
}

/** A connection on which the server begins TLS when its client has connected. */
async function accepted(
  options: tls.TLSSocketOptions = {},
  unread: Uint8Array = new Uint8Array(0),
  secure: (side: Side) => void = () => {},
): Promise<{ server: net.Server; side: Side; client: net.Socket }> {
  const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const connection = once(server, "connection");
  const client = net.connect((server.address() as net.AddressInfo).port, "127.0.0.1");
  client.on("error", () => {});
  const [raw] = await soon(connection);
  const side = {
    raw,
    secured: Promise.withResolvers<void>(),
    data: [] as string[],
    bytes: 0,
    errors: [] as string[],
    is_ended: false,
  } as unknown as Side;
  const events: TlsEvents = {
    secure() {
      secure(side);
      side.secured.resolve();
    },
    data(bytes) {
      side.bytes += bytes.length;
      if (bytes.length < 100) side.data.push(text_of(bytes));
    },
    end: () => side.is_ended = true,
    failed: ({ code = "" }) => side.errors.push(code),
    close() {},
  };
  const secureContext = tls.createSecureContext({
    cert: pem("localhost.crt"),
    key: pem("localhost.key"),
    ca: pem("ca.crt"),
  });
  side.socket = open_tls(raw, unread, { secureContext, ...options }, events);
  return { server, side, client };
}

/** The client's part of it, secured. */
async function secured(socket: net.Socket, certificate?: string): Promise<tls.TLSSocket> {
  const client = tls.connect({
    socket,
    ca: pem("ca.crt"),
    servername: "localhost",
    ...(certificate && { cert: pem(`${certificate}.crt`), key: pem(`${certificate}.key`) }),
  });
  client.on("error", () => {});
  await soon(once(client, "secureConnect"));
  return client;
}

function end({ server, side, client }: Awaited<ReturnType<typeof accepted>>): void {
  for (const socket of [side.socket, side.raw, client]) socket.destroy();
  server.close();
}

Deno.test("runtime: a TLSSocket says when the handshake is done, and what came", async () => {
  const all = await accepted();
  const client = await secured(all.client);
  await soon(all.side.secured.promise);
  client.write("hello");
  await until(() => all.side.data.join("") === "hello");
  client.end();
  await until(() => all.side.is_ended);
  assertEquals(all.side.errors, []);
  end(all);
});

Deno.test("runtime: what is read already is for the engine", async () => {
  // No ClientHello: that it is looked at shows.
  const all = await accepted({}, bytes_of("GET / HTTP/1.0\r\n\r\n"));
  await until(() => all.side.errors.length > 0);
  assertEquals(
    all.side.errors[0],
    "ERR_SSL_WRONG_VERSION_NUMBER",
    "unshift() on the socket beneath no longer reaches the engine: start_tls() would lose a ClientHello",
  );
  end(all);
});

Deno.test("runtime: peer_of() names a bad certificate, which does not fail the handshake", async () => {
  for (
    const [certificate, wanted] of [
      ["client", ""],
      ["rogue", "DEPTH_ZERO_SELF_SIGNED_CERT"],
      ["stranger", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
      ["expired", "CERT_HAS_EXPIRED"],
      [undefined, ""],
    ] as const
  ) {
    const found = Promise.withResolvers<ReturnType<typeof peer_of>>();
    const all = await accepted(
      { requestCert: true, rejectUnauthorized: false },
      undefined,
      ({ socket }) => found.resolve(peer_of(socket)),
    );
    const client = secured(all.client, certificate).catch(() => undefined);
    const [fault, peer] = await soon(found.promise);
    assertEquals(peer?.subject, certificate && `CN=${certificate}`);
    assert(
      wanted === "" ? fault === "" : fault !== "",
      `verifyError() of the handle says "${fault}" of ${certificate}: clients with bad certificates get in`,
    );
    (await client)?.destroy();
    end(all);
  }
});

Deno.test("runtime: peer_of() lets nobody in where certificates cannot be asked about", () => {
  const socket = { _handle: {}, getPeerX509Certificate: () => undefined };
  assertEquals(peer_of(socket as unknown as tls.TLSSocket), ["NOT_VERIFIED", undefined]);
});

Deno.test("runtime: an error after the handshake is told", async () => {
  const all = await accepted();
  await secured(all.client);
  await soon(all.side.secured.promise);
  // Past the client's engine.
  all.client.write("this is no record of TLS, and much longer than its head");
  await until(() => all.side.errors.length > 0);
  assert(
    all.side.errors[0]!.startsWith("ERR_SSL"),
    "_tlsError is gone: garbage after the handshake leaves the connection open",
  );
  end(all);
});

Deno.test("runtime: stop_reading() of the socket beneath holds the peer back", async () => {
  const all = await accepted({}, undefined, ({ raw }) => {
    assert(stop_reading(raw), "_handle.readStop() is gone: a fast peer fills the memory");
  });
  const client = await secured(all.client);
  await soon(all.side.secured.promise);
  const part = new Uint8Array(1_048_576);
  for (let count = 0; count < 32; count++) client.write(part);
  await is_pending(new Promise(() => {}), 200);
  const before = all.side.bytes;
  assert(before < 8 * 1_048_576, `${before} bytes were read although nobody wanted them`);
  assert(start_reading(all.side.raw), "_handle.readStart() is gone");
  await until(() => all.side.bytes === 32 * 1_048_576);
  end(all);
});

Deno.test("runtime: the callback of a write waits for the peer", async () => {
  const all = await accepted();
  await secured(all.client);
  await soon(all.side.secured.promise);
  // A client that is paused would let its engine read on.
  assert(stop_reading(all.client));
  let written = 0;
  const part = new Uint8Array(1_048_576);
  const write = () => all.side.socket.write(part, () => ++written < 64 && write());
  write();
  await is_pending(new Promise(() => {}), 200);
  assert(
    written < 32,
    `${written} MiB were taken that nobody reads: a slow client fills the memory`,
  );
  end(all);
});

Deno.test("runtime: parts_of_pfx() gives certificate and key as PEM, or throws", () => {
  const pfx = Deno.readFileSync(file("localhost.pfx"));
  const { cert, key } = parts_of_pfx(pfx, "secret") ?? {};
  assert(
    cert?.includes("BEGIN CERTIFICATE") && key?.includes("BEGIN PRIVATE KEY"),
    "a SecureContext does not show what was in PKCS#12: such files cannot be used",
  );
  assertThrows(() => parts_of_pfx(pfx, "other"));
  assertThrows(() => parts_of_pfx(new Uint8Array(3), undefined));
});
