/**
 * The least that a datagram server on Deno can do: receive into one buffer, send from it, again. What
 * our servers add is measured against it. Its echo stands for those of all handlers. Prints its port,
 * then serves until it is ended.
 *
 * ```sh
 * deno run --allow-net --unstable-net bench/servers/bare_udp.ts packet 0
 * ```
 *
 * @module
 */

/** No datagram is longer, in bytes. */
const READ_SIZE = 65_536;

async function main([_handler, port]: string[]): Promise<void> {
  const socket = Deno.listenDatagram({
    transport: "udp",
    hostname: "127.0.0.1",
    port: Number(port),
  });
  console.log((socket.addr as Deno.NetAddr).port);
  const buffer = new Uint8Array(READ_SIZE);
  for (;;) {
    const [packet, client] = await socket.receive(buffer);
    await socket.send(packet, client);
  }
}

await main(Deno.args);
