/**
 * An echo of datagrams over `node:dgram`, for Deno and for Node. Imports nothing of this directory, so
 * that it can be transpiled by itself for a Node that takes no TypeScript. Prints its port, then
 * serves until it is ended.
 *
 * ```sh
 * deno run --allow-net bench/servers/node_dgram.ts packet 0
 * ```
 *
 * @module
 */
import dgram from "node:dgram";
import process from "node:process";

function main([_handler, port]: string[]): void {
  const socket = dgram.createSocket("udp4");
  socket.on("message", (packet, { address, port }) => socket.send(packet, port, address));
  socket.bind({ address: "127.0.0.1", port: Number(port) }, () => {
    console.log(socket.address().port);
  });
}

main(process.argv.slice(2));
