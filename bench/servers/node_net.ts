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
import { Buffer } from "node:buffer";
import net from "node:net";
import process from "node:process";
import readline from "node:readline";

/** How many bytes are sent at once: the same in all servers. */
const BULK_SIZE = 262_144;
const BULK = Buffer.from(`${"x".repeat(63)}\n`.repeat(BULK_SIZE / 64));
const NEWLINE = 10;

const HANDLERS: Record<string, (socket: net.Socket) => void> = {
  echo: (socket) => void socket.pipe(socket),
  lines: answer_lines,
  bulk_out,
  bulk_in,
};

function answer_lines(socket: net.Socket): void {
  socket.setNoDelay(true);
  const lines = readline.createInterface({ input: socket });
  lines.on("line", (line) => void socket.write(`${line.toUpperCase()}\n`));
}

/** Answers a number with as many bytes. It comes in one piece, short as it is. */
function bulk_out(socket: net.Socket): void {
  let left = 0;
  const send = () => {
    for (let ready = true; ready && left > 0; left -= BULK.length) {
      ready = socket.write(BULK.subarray(0, left));
    }
  };
  socket.on("drain", send);
  socket.on("data", (line) => {
    left = Number(line);
    send();
  });
}

/** Answers a line of any length with that length. */
function bulk_in(socket: net.Socket): void {
  let length = 0;
  socket.on("data", (data: Buffer) => {
    length += data.length;
    if (data.at(-1) !== NEWLINE) return;
    socket.write(`${length}\n`);
    length = 0;
  });
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
