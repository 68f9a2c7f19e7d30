/** `reload_tls()`: other certificates while a server serves. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { AsyncTCPServer, ForkingTCPServer } from "../../mod.ts";
import { connect_tls, file, LOCALHOST, pair, pem } from "../fixtures/certificates/certificates.ts";
import { LineClient } from "../fixtures/clients/clients.ts";
import { TlsHandler } from "../fixtures/handlers/tls_handlers.ts";
import { serving } from "../fixtures/servers/serving.ts";
import { make_tls, test_tls_at_same_time } from "../fixtures/servers/tls_servers.ts";
import { TempFolder } from "../fixtures/tools/temp_folder.ts";
import { soon } from "../fixtures/tools/waiting.ts";

/** Says hello to a server whose certificate has a name. */
async function hello(address: Deno.NetAddr, hostname: string): Promise<void> {
  const raw = await Deno.connect({ port: address.port });
  using client = new LineClient(await Deno.startTls(raw, { hostname, caCerts: [pem("ca.crt")] }));
  assertEquals(await client.ask("hello"), "hello");
}

/** Copies a certificate and its key to where a server has them, as certbot does. */
async function put(folder: TempFolder, name: string): Promise<void> {
  for (const kind of ["crt", "key"]) {
    await Deno.copyFile(file(`${name}.${kind}`), folder.join(`server.${kind}`));
  }
}

test_tls_at_same_time(
  "new connections have the new certificate, old ones go on, and a bad one changes nothing",
  async (way) => {
    await using folder = await TempFolder.make();
    await put(folder, "localhost");
    const tls = {
      cert: new URL(`file://${folder.join("server.crt")}`),
      key: new URL(`file://${folder.join("server.key")}`),
    };
    await using server = serving(make_tls(way, TlsHandler, { tls, max_children: 3 }));
    const { server_address: address } = server;
    using old = new LineClient(await connect_tls(address));
    assertEquals(await old.ask("hello"), "hello");

    await Deno.copyFile(file("second.key"), folder.join("server.key"));
    assertThrows(() => server.reload_tls(), RangeError, "server.key: it is not the key of");
    await hello(address, "localhost");

    await put(folder, "second");
    server.reload_tls();
    await hello(address, "second.test");
    await hello(address, "second.test");
    assertEquals(await old.ask("hello"), "hello");

    server.reload_tls(pair("wildcard"));
    await hello(address, "a.wildcard.test");
    await assertRejects(() => soon(hello(address, "second.test")), Error, "not valid for name");
    // These are the ones that are read again from now on.
    server.reload_tls();
    await hello(address, "a.wildcard.test");
  },
);

Deno.test("ForkingTCPServer: a child that starts later has the new certificate", async () => {
  const options = { tls: LOCALHOST, max_children: navigator.hardwareConcurrency + 1 };
  await using server = serving(new ForkingTCPServer(["127.0.0.1", 0], TlsHandler, options));
  const { server_address: address } = server;
  await hello(address, "localhost");
  server.reload_tls(pair("second"));
  const clients = await Promise.all(
    Array.from({ length: options.max_children }, () => connect_tls(address)),
  );
  for (const conn of clients) {
    using client = new LineClient(conn);
    assertEquals(await client.ask("hello"), "hello");
  }
});

Deno.test("a server without TLS has nothing to reload", async () => {
  await using server = new AsyncTCPServer(["127.0.0.1", 0], TlsHandler);
  assertThrows(() => server.reload_tls(), Deno.errors.NotSupported, "without tls");
  assertThrows(() => server.reload_tls(LOCALHOST), Deno.errors.NotSupported, "without tls");
});

Deno.test("certificates change a hundred times under load, and no client notices", async () => {
  await using server = serving(
    new AsyncTCPServer(["127.0.0.1", 0], TlsHandler, { tls: LOCALHOST }),
  );
  let is_over = false;
  const client = async () => {
    // Both have this name.
    while (!is_over) await hello(server.server_address, "localhost");
  };
  const clients = Promise.all(Array.from({ length: 4 }, client));
  for (let count = 0; count < 100; count++) {
    server.reload_tls(count % 2 === 0 ? pair("second") : LOCALHOST);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  is_over = true;
  await soon(clients);
  assertEquals(server.info().handshakes_failed, 0);
});
