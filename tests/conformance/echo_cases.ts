/** What cases 1 to 12 have in common: the harness of Python's suite. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type {
  BaseServer,
  RequestHandlerConstructor,
  ServerOptions,
  TCPServer,
  UDPServer,
  UnixDatagramServer,
  UnixStreamServer,
} from "../../mod.ts";
import { OWN_ADDRESS } from "../fixtures/tools/addresses.ts";
import { TempFolder } from "../fixtures/tools/temp_folder.ts";
import { ask_udp } from "../fixtures/clients/datagrams.ts";
import { ask_stream, ask_unix_datagram } from "./echo_clients.ts";
import { EchoLineHandler, EchoPacketHandler } from "./handlers.ts";
import { soon } from "../fixtures/tools/waiting.ts";

/** A server as the cases use it. */
type EchoServer = BaseServer<Deno.Addr, never, never>;

/** How a kind of server is made and spoken to. */
interface Kind {
  make(folder: string): EchoServer;
  ask(address: Deno.Addr, text: string): Promise<string>;
}

/** A server class, with one parameter list for all. */
type ServerClass<Address> = new (
  address: Address,
  Handler: RequestHandlerConstructor,
  options: ServerOptions,
) => unknown;

const OPTIONS: ServerOptions = { max_workers: 2, max_children: 2, linger: 200 };
const LINE = "hello world\n";

/** A server over TCP. */
export function tcp(Server: ServerClass<[string, number]> | typeof TCPServer): Kind {
  const make = () => new Server([OWN_ADDRESS, 0], EchoLineHandler, OPTIONS) as EchoServer;
  return { make, ask: ask_stream };
}

/** A server over UDP. */
export function udp(Server: ServerClass<[string, number]> | typeof UDPServer): Kind {
  const make = () => new Server([OWN_ADDRESS, 0], EchoPacketHandler, OPTIONS) as EchoServer;
  return { make, ask: ask_udp };
}

/** A server over Unix stream sockets. */
export function unix(Server: ServerClass<string> | typeof UnixStreamServer): Kind {
  const make = (folder: string) =>
    new Server(`${folder}/server`, EchoLineHandler, OPTIONS) as EchoServer;
  return { make, ask: ask_stream };
}

/** A server over Unix datagram sockets. */
export function unix_datagram(Server: ServerClass<string> | typeof UnixDatagramServer): Kind {
  const make = (folder: string) =>
    new Server(`${folder}/server`, EchoPacketHandler, OPTIONS) as EchoServer;
  return { make, ask: ask_unix_datagram };
}

/**
 * Serves three clients in turn, and closes.
 *
 * @param kind The server.
 * @param check What else must be so when it is closed.
 */
export async function echo_case(
  { make, ask }: Kind,
  check: (server: EchoServer) => unknown = () => {},
): Promise<void> {
  await using folder = await TempFolder.make();
  const server = make(folder.path);
  await using _closing = server;
  const { server_address } = server;
  assertEquals(server_address, server.socket!.addr);
  if ("port" in server_address) assert(server_address.port > 0);
  const loop = server.serve_forever({ poll_interval: 10 });
  for (let client = 0; client < 3; client++) {
    assertEquals(await ask(server_address, LINE), LINE);
  }
  await soon(server.shutdown());
  await soon(loop);
  // A client has its reply a moment before the handler has ended.
  assertEquals((await soon(server.server_close())).aborted, 0);
  const { accepted, completed, active, workers = [] } = server.info();
  assertEquals([accepted, completed, active, workers], [3, 3, 0, []]);
  await assertRejects(() => server.handle_request(), Deno.errors.BadResource);
  assert_free(server_address);
  await check(server);
}

/** That nobody listens at an address. */
function assert_free(address: Deno.Addr): void {
  const socket = address.transport === "tcp" || address.transport === "unix"
    ? Deno.listen(address as Deno.TcpListenOptions)
    : Deno.listenDatagram(address as Deno.UdpListenOptions & { transport: "udp" });
  socket.close();
}
