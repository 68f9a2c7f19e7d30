/**
 * A server that a thread sends datagrams to as fast as it can: prints what goes on all the same, then ends.
 *
 * @module
 */
import { DatagramRequestHandler } from "@socketserver/socketserver";
import { NativeAsyncUDPServer } from "../../../tests/fixtures/servers/named_servers.ts";

/** Answers each datagram. */
class EchoHandler extends DatagramRequestHandler {
  override async handle(): Promise<void> {
    await this.wfile.write(this.packet);
  }
}

const FLOOD = `
const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
onmessage = async ({ data }) => {
  for (;;) await socket.send(new Uint8Array(100), data);
};
`;

/** Starts the thread; several cannot be kept up with. */
function flood(address: Deno.NetAddr): Worker {
  const url = `data:text/javascript,${encodeURIComponent(FLOOD)}`;
  const worker = new Worker(url, { type: "module" });
  worker.postMessage({ ...address });
  return worker;
}

const server = new NativeAsyncUDPServer(["127.0.0.1", 0], EchoHandler);
const serving = server.serve_forever();
const floods = [flood(server.server_address), flood(server.server_address)];
await using http = Deno.serve({ port: 0, onListen: () => {} }, () => new Response("a response"));

/** Runs something while datagrams come, and prints that it has ended. */
async function beside(name: string, run: () => Promise<unknown>): Promise<void> {
  const before = server.info().accepted;
  do await run(); while (server.info().accepted < before + 1000);
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
