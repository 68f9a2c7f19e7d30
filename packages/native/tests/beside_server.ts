/**
 * A server that waits for datagrams, or with the argument `flood` gets more than it can handle: prints what goes on
 * all the same, then ends.
 *
 * @module
 */
import { DatagramRequestHandler } from "@socketserver/socketserver";
import { NativeAsyncUDPServer } from "../../../tests/fixtures/servers/named_servers.ts";

/** How long a datagram takes, in ms: so long that more come than are handled. */
const WORK = 0.1;

/** Answers each datagram, when it has computed. */
class EchoHandler extends DatagramRequestHandler {
  override async handle(): Promise<void> {
    for (const end = performance.now() + WORK; performance.now() < end;);
    await this.wfile.write(this.packet);
  }
}

const FLOOD = `
const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
onmessage = async ({ data }) => {
  for (;;) await socket.send(new Uint8Array(100), data);
};
`;

/** Starts a thread that sends as fast as it can. */
function flood(address: Deno.NetAddr): Worker {
  const url = `data:text/javascript,${encodeURIComponent(FLOOD)}`;
  const worker = new Worker(url, { type: "module" });
  worker.postMessage({ ...address });
  return worker;
}

const server = new NativeAsyncUDPServer(["127.0.0.1", 0], EchoHandler);
const serving = server.serve_forever();
const is_flooded = Deno.args[0] === "flood";
const floods = is_flooded ? [flood(server.server_address), flood(server.server_address)] : [];
await using http = Deno.serve({ port: 0, onListen: () => {} }, () => new Response("a response"));

/** Runs something while the server waits, or datagrams come, and prints that it has ended. */
async function beside(name: string, run: () => Promise<unknown>): Promise<void> {
  const wanted = server.info().accepted + (is_flooded ? 1000 : 0);
  do await run(); while (server.info().accepted < wanted);
  console.log(name);
}

await beside("a timer", () => new Promise((resolve) => setTimeout(resolve, 5)));
await beside("a file", () => Deno.readTextFile(new URL(import.meta.url)));
await beside(
  "a fetch",
  () => fetch(`http://127.0.0.1:${http.addr.port}/`).then((got) => got.text()),
);
for (const worker of floods) worker.terminate();
await server.server_close();
await serving;
console.log("closed");
