/** Certificates of clients: who is let in, and that a session is no way around. */
import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { AsyncTCPServer, type ServerOptions, type TlsOptions } from "../../mod.ts";
import {
  connect_tls,
  file,
  FOR_CLIENTS,
  LOCALHOST,
} from "../fixtures/certificates/certificates.ts";
import { LineClient, or_end } from "../fixtures/clients/clients.ts";
import { NotingTlsHandler, TlsHandler } from "../fixtures/handlers/tls_handlers.ts";
import { is_there, output_of, Program } from "../fixtures/programs/programs.ts";
import { Noting, type NotingMembers } from "../fixtures/servers/noting.ts";
import { serving } from "../fixtures/servers/serving.ts";
import { Told } from "../fixtures/servers/told.ts";
import { make_tls, test_tls } from "../fixtures/servers/tls_servers.ts";
import { at_once } from "../fixtures/tools/at_once.ts";
import { LONG, soon, until } from "../fixtures/tools/waiting.ts";

/** What is answered to who has this certificate, if any; `null` where nobody is let in. */
async function answer(address: Deno.NetAddr, certificate: string | undefined) {
  // With TLS 1.3 a client learns only when it reads that it is refused.
  const conn = await or_end(connect_tls(address, certificate));
  if (!conn) return null;
  using client = new LineClient(conn);
  return await or_end(client.ask("tls").then((line) => line && JSON.parse(line).subject));
}

test_tls("only who has a good certificate reaches the handler", async (way) => {
  await using server = serving(make_tls(way, NotingTlsHandler, { tls: FOR_CLIENTS }));
  const { server_address: address, log } = server;
  assertEquals(await answer(address, "client"), "CN=client");
  for (const certificate of [undefined, "stranger", "rogue", "expired"]) {
    assertEquals(await answer(address, certificate), null);
  }
  assertEquals(await answer(address, "client"), "CN=client");
  await until(() => server.info().handshakes_failed === 4);
  assertEquals(log.entries.filter((entry) => entry.startsWith("handled")), [
    "handled CN=client",
    "handled CN=client",
  ]);
  assertEquals([...new Set(log.errors.map((error) => (error as Error).name))], ["TlsError"]);
});

test_tls("where it is optional a client may have none, and none that is bad", async (way) => {
  const tls: TlsOptions = { ...FOR_CLIENTS, request_client_cert: "optional" };
  await using server = serving(make_tls(way, NotingTlsHandler, { tls }));
  const { server_address: address } = server;
  assertEquals(await answer(address, undefined), undefined);
  assertEquals(await answer(address, "client"), "CN=client");
  for (const certificate of ["stranger", "rogue", "expired"]) {
    assertEquals(await answer(address, certificate), null);
  }
});

const FORGED = fileURLToPath(new URL("../fixtures/clients/forged.py", import.meta.url));
const RESUME = fileURLToPath(new URL("../fixtures/clients/resume.py", import.meta.url));

/** What came of a session and of its resumption. */
interface Resumed {
  has_session: boolean;
  begun: Talk;
  resumed: Talk;
}

interface Talk {
  reused: boolean;
  answer: string;
  error: string;
}

/** Begins a session at one server and goes on with it at another. */
async function resume(
  first: Deno.NetAddr,
  second: Deno.NetAddr,
  version: string,
  certificate: string,
): Promise<Resumed> {
  const cert = certificate && fileURLToPath(file(certificate));
  const args = [RESUME, String(first.port), String(second.port), version, cert];
  return JSON.parse(await output_of("python3", args));
}

/** Two servers in this thread, where sessions of the one are known to the other. */
function make(tls: TlsOptions, options: ServerOptions = {}) {
  const Server = Noting(AsyncTCPServer);
  const server = new Server(["127.0.0.1", 0], NotingTlsHandler, { tls, ...options });
  return serving(server as unknown as AsyncTCPServer & NotingMembers);
}

/** What the second server let its handler do, without what it is meant to. */
function handled({ log }: NotingMembers): string[] {
  return log.entries.filter((entry) => entry.startsWith("handled"));
}

const OTHER_CLIENTS: TlsOptions = { ...FOR_CLIENTS, ca: file("other_ca.crt") };
const ignore = !is_there("python3");

Deno.test({
  name: "a good certificate without its key lets nobody in",
  ignore,
  async fn() {
    await using server = make(FOR_CLIENTS);
    const { port } = server.server_address as Deno.NetAddr;
    const certificate = fileURLToPath(file("client"));
    assertEquals(await output_of("python3", [FORGED, String(port), certificate]), "forged\n");
    await until(() => server.info().handshakes_failed === 1);
    assertEquals(server.log.errors.map((error) => (error as Error).name), ["TlsError"]);
    assertEquals(handled(server), []);
  },
});

for (const version of ["TLSv1_2", "TLSv1_3"]) {
  Deno.test({
    name: `a client that was verified goes on with its session, ${version}`,
    ignore,
    async fn() {
      const told = new Told();
      await using server = make(FOR_CLIENTS, { observer: told.observer });
      const address = server.server_address as Deno.NetAddr;
      const { begun, resumed } = await resume(address, address, version, "client");
      assertEquals([begun.answer, resumed.answer, resumed.reused], ["hello\n", "hello\n", true]);
      assertEquals(told.of("handshake.stop").map(({ resumed }) => resumed), [false, true]);
      assertEquals(handled(server), ["handled CN=client", "handled CN=client"]);
    },
  });

  Deno.test({
    name: `a certificate that is not good cannot go on with a session, ${version}`,
    ignore,
    async fn() {
      for (const request_client_cert of ["required", "optional"] as const) {
        await using server = make({ ...FOR_CLIENTS, request_client_cert });
        const address = server.server_address as Deno.NetAddr;
        await at_once(["rogue", "stranger", "expired"], (name) => name, async (certificate) => {
          const { begun, resumed } = await resume(address, address, version, certificate);
          assertEquals([begun.answer, resumed.answer, resumed.reused], ["", "", false]);
        });
        assertEquals(handled(server), []);
      }
    },
  });

  for (
    const [words, tls, certificate] of [
      ["asks for no certificate", LOCALHOST, ""],
      ["asks for no certificate, of one that has one", LOCALHOST, "rogue"],
      ["believes another authority", OTHER_CLIENTS, "stranger"],
    ] as const
  ) {
    Deno.test({
      name: `a session of a server that ${words} lets nobody in, ${version}`,
      ignore,
      async fn() {
        await using first = make(tls);
        await using second = make(FOR_CLIENTS);
        const { has_session, begun, resumed } = await resume(
          first.server_address as Deno.NetAddr,
          second.server_address as Deno.NetAddr,
          version,
          certificate,
        );
        assert(has_session, begun.error);
        assertEquals([begun.answer, resumed.answer], ["hello\n", ""]);
        await until(() => second.info().handshakes_failed === 1);
        assertEquals(handled(second), []);
      },
    });
  }

  Deno.test({
    name:
      `a session of a server that asks for certificates names nobody at one that does not, ${version}`,
    ignore,
    async fn() {
      await using first = make(FOR_CLIENTS);
      await using second = make(LOCALHOST);
      const [one, other] = [first, second].map((server) => server.server_address as Deno.NetAddr);
      const { resumed } = await resume(one!, other!, version, "client");
      assertEquals(resumed.answer, "hello\n");
      assertEquals(handled(second), ["handled undefined"]);
    },
  });

  Deno.test({
    name:
      `a session outlives other certificates of the server, but not another authority, ${version}`,
    ignore,
    async fn() {
      await using server = make(FOR_CLIENTS);
      const address = server.server_address as Deno.NetAddr;
      const { resumed } = await resume(address, address, version, "client");
      assertEquals(resumed.reused, true);
      server.reload_tls(FOR_CLIENTS);
      assertEquals((await resume(address, address, version, "client")).resumed.answer, "hello\n");
      server.reload_tls(OTHER_CLIENTS);
      assertEquals((await resume(address, address, version, "client")).begun.answer, "");
    },
  });
}

Deno.test("a handshake that fails ends the connection of a client that does not", async () => {
  await using server = serving(
    new AsyncTCPServer(["127.0.0.1", 0], TlsHandler, { tls: FOR_CLIENTS }),
  );
  const conn = await or_end(connect_tls(server.server_address, "rogue"));
  if (conn) assertEquals((await or_end(soon(conn.read(new Uint8Array(1))))) ?? null, null);
  conn?.close();
  await until(() => server.info().active === 0);
});

Deno.test("a program ends after many strangers were refused, when its server has stopped", async () => {
  await using program = new Program("run", "-A", "tests/fixtures/programs/refusing_tls_server.ts");
  assertEquals(await program.line(LONG), "900");
  await program.ends_well();
});
