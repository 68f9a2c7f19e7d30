/** What the library needs of `node:tls` in Deno: each test says what stopped working, if one fails. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { once } from "node:events";
import net from "node:net";
import tls from "node:tls";
import { is_bare_tls } from "../../../internal/runtime/bare_tls.ts";
import { reopen_bare, stop_reading } from "../../../internal/runtime/deno_internals.ts";
import {
  open_tls,
  parts_of_pfx,
  peer_of,
  type TlsEvents,
  type TlsLine,
} from "../../../internal/runtime/tls_internals.ts";
import { file, pem } from "../../fixtures/certificates/certificates.ts";
import { client_hello } from "../../fixtures/clients/client_hello.ts";
import { bytes_of, text_of } from "../../fixtures/tools/bytes.ts";
import { is_pending, soon, until } from "../../fixtures/tools/waiting.ts";

/** What is written at once, in bytes. */
const PIECE = 32_768;

/** What has become of the server's side. */
interface Side {
  line: TlsLine;
  secured: PromiseWithResolvers<void>;
  data: string[];
  bytes: number;
  errors: string[];
  is_ended: boolean;
}

/** What TLS begins on: the stream of a connection, or its handle alone. */
type Beneath = "socket" | "handle";

/** Tests TLS in both ways. */
function test(what: string, run: (beneath: Beneath) => Promise<void>): void {
  for (const beneath of ["handle", "socket"] as const) {
    Deno.test(`runtime: ${what}, over a ${beneath}`, () => run(beneath));
  }
}

/** A connection on which the server begins TLS when its client has connected. */
async function accepted(
  beneath: Beneath,
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
  const taken = beneath === "handle" ? reopen_bare(raw)! : raw;
  side.line = open_tls(taken, unread, { secureContext, ...options }, events);
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
  side.line.close();
  client.destroy();
  server.close();
}

Deno.test("runtime: TLS is to be had over a handle alone", () => {
  assert(
    is_bare_tls(),
    "a TLSSocket has other methods: TLS goes through its stream, and is slower",
  );
});

test("TLS says when the handshake is done, and what came", async (beneath) => {
  const all = await accepted(beneath);
  const client = await secured(all.client);
  await soon(all.side.secured.promise);
  client.write("hello");
  await until(() => all.side.data.join("") === "hello");
  client.end();
  await until(() => all.side.is_ended);
  assertEquals(all.side.errors, []);
  end(all);
});

test("what is read already is for the engine", async (beneath) => {
  // No ClientHello: that it is looked at shows.
  const all = await accepted(beneath, {}, bytes_of("GET / HTTP/1.0\r\n\r\n"));
  await until(() => all.side.errors.length > 0);
  assertEquals(
    all.side.errors[0],
    "ERR_SSL_WRONG_VERSION_NUMBER",
    "what was read does not reach the engine: start_tls() would lose a ClientHello",
  );
  end(all);
});

test("a ClientHello may come in parts, some of them read already", async (beneath) => {
  const hello = await client_hello();
  const all = await accepted(beneath, {}, hello.subarray(0, 3));
  for (const part of [hello.subarray(3, 9), hello.subarray(9, -1), hello.subarray(-1)]) {
    await is_pending(all.side.secured.promise, 20);
    assertEquals(all.client.bytesRead, 0);
    all.client.write(part);
  }
  await until(() => all.client.bytesRead > 100);
  assertEquals(all.side.errors, []);
  end(all);
});

test("an engine that cannot use the key says so", async (beneath) => {
  const secureContext = tls.createSecureContext({
    cert: pem("localhost.crt"),
    key: pem("second.key"),
  });
  const all = await accepted(beneath, { secureContext });
  all.client.write(await client_hello());
  await until(() => all.side.errors.length > 0);
  assertEquals(all.side.errors[0]!.startsWith("ERR_SSL"), true);
  end(all);
});

test("peer_of() names a bad certificate, which does not fail the handshake", async (beneath) => {
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
      beneath,
      { requestCert: true, rejectUnauthorized: false },
      undefined,
      ({ line }) => found.resolve(peer_of(line.socket)),
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

test("an error after the handshake is told", async (beneath) => {
  const all = await accepted(beneath);
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

test("to stop what is beneath holds the peer back", async (beneath) => {
  const all = await accepted(beneath, {}, undefined, ({ line }) => {
    assert(line.stop(), "_handle.readStop() is gone: a fast peer fills the memory");
  });
  const client = await secured(all.client);
  await soon(all.side.secured.promise);
  const part = new Uint8Array(1_048_576);
  for (let count = 0; count < 32; count++) client.write(part);
  await is_pending(new Promise(() => {}), 200);
  const before = all.side.bytes;
  assert(before < 8 * 1_048_576, `${before} bytes were read although nobody wanted them`);
  assert(all.side.line.start(), "_handle.readStart() is gone");
  await until(() => all.side.bytes === 32 * 1_048_576);
  end(all);
});

test("a write waits for the peer", async (beneath) => {
  const all = await accepted(beneath);
  await secured(all.client);
  await soon(all.side.secured.promise);
  // A client that is paused would let its engine read on.
  assert(stop_reading(all.client));
  let written = 0;
  const part = new Uint8Array(PIECE);
  const write = async () => {
    for (; written < 2000; written++) await all.side.line.write(part);
  };
  const writing = write().catch(() => {});
  await is_pending(new Promise(() => {}), 200);
  assert(
    written < 1000,
    `${written} pieces were taken that nobody reads: a slow client fills the memory`,
  );
  end(all);
  await soon(writing);
});

test("what is written comes whole, and the end after it", async (beneath) => {
  const all = await accepted(beneath);
  const client = await secured(all.client);
  let count = 0;
  client.on("data", ({ length }) => count += length);
  const ended = once(client, "end");
  await soon(all.side.secured.promise);
  for (let piece = 0; piece < 100; piece++) await soon(all.side.line.write(new Uint8Array(PIECE)));
  await soon(all.side.line.end());
  await soon(ended);
  assertEquals(count, 100 * PIECE);
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
