/**
 * Servers over `node:net`, for Deno and for Node. Imports nothing of this directory, so that it can
 * be transpiled by itself for a Node that takes no TypeScript. Prints its port, then serves until it
 * is ended.
 *
 * ```sh
 * deno run --allow-net bench/servers/node_net.ts echo 0
 * ```
 *
 * @module
 */
import net from "node:net";
import process from "node:process";
import readline from "node:readline";

const HANDLERS: Record<string, (socket: net.Socket) => void> = {
  echo: (socket) => void socket.pipe(socket),
  lines: answer_lines,
};

function answer_lines(socket: net.Socket): void {
  socket.setNoDelay(true);
  const lines = readline.createInterface({ input: socket });
  lines.on("line", (line) => void socket.write(`${line.toUpperCase()}\n`));
}

function main([name, port]: string[]): void {
  const handle = HANDLERS[String(name)];
  if (!handle) throw new TypeError(`Cannot serve ${name}: give one of ${Object.keys(HANDLERS)}`);
  const server = net.createServer((socket) => {
    // The client went away; the load generator counts what it lost.
    socket.on("error", () => socket.destroy());
    handle(socket);
  });
  server.listen({ host: "127.0.0.1", port: Number(port), backlog: 4096 }, () => {
    console.log((server.address() as net.AddressInfo).port);
  });
}

main(process.argv.slice(2));
