/** A program with few descriptors that constructs servers where none can be, again and again. */
import {
  type RequestHandlerConstructor,
  StreamRequestHandler,
  TCPServer,
  ThreadingTCPServer,
  UDPServer,
  UnixDatagramServer,
  UnixStreamServer,
} from "../../mod.ts";

class BrokenServer extends TCPServer {
  override server_activate(): void {
    throw new Deno.errors.AddrInUse("on purpose");
  }
}

const TIMES = 1024;
/** The same for sockets at which somebody may listen, where each time a thread asks. */
const UNIX_TIMES = 128;
// deno-lint-ignore no-explicit-any
type ServerClass = new (address: any, Handler: RequestHandlerConstructor) => unknown;

const folder = Deno.args[0]!;
using tcp = Deno.listen({ hostname: "127.0.0.1", port: 0 });
const udp = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
using _stream = Deno.listen({ transport: "unix", path: `${folder}/stream` });
Deno.writeTextFileSync(`${folder}/file`, "no socket");

/** Each server class, with an address that is taken. */
const TAKEN: [ServerClass, unknown][] = [
  [TCPServer, ["127.0.0.1", tcp.addr.port]],
  [ThreadingTCPServer, ["127.0.0.1", tcp.addr.port]],
  [BrokenServer, ["127.0.0.1", 0]],
  [UDPServer, ["127.0.0.1", (udp.addr as Deno.NetAddr).port]],
  [UnixStreamServer, `${folder}/stream`],
  [UnixDatagramServer, `${folder}/file`],
];

for (const [Server, address] of TAKEN) {
  const times = Server === UnixStreamServer ? UNIX_TIMES : TIMES;
  const errors = new Set<unknown>();
  for (let time = 0; time < times; time++) {
    try {
      new Server(address, StreamRequestHandler);
      errors.add("none");
    } catch (error) {
      errors.add((error as Error).name);
    }
  }
  console.log(`${Server.name}: ${[...errors]}`);
}
udp.close();
