/**
 * Serves in a thread that is ended in the middle of it, some times, and then in this one.
 *
 * @module
 */
import { DatagramRequestHandler, type UDPServer } from "@socketserver/socketserver";
import { NativeUDPServer } from "../../../tests/fixtures/servers/named_servers.ts";

class EchoHandler extends DatagramRequestHandler {
  override async handle(): Promise<void> {
    await this.wfile.write(this.packet);
  }
}

async function serve(): Promise<UDPServer> {
  const server = new NativeUDPServer(["127.0.0.1", 0], EchoHandler);
  void server.serve_forever();
  const client = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  await client.send(new Uint8Array([7]), server.server_address);
  await client.receive();
  client.close();
  return server;
}

if ("WorkerGlobalScope" in globalThis) {
  await serve();
  (globalThis as unknown as Worker).postMessage("serving");
} else {
  for (let count = 0; count < 5; count++) {
    const worker = new Worker(import.meta.url, { type: "module" });
    await new Promise((resolve) => worker.onmessage = resolve);
    worker.terminate();
  }
  const server = await serve();
  await server.server_close();
  console.log("closed");
}
