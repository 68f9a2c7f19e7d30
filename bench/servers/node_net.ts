/**
 * Servers over `node:net`, and with `--tls PATH` over `node:tls`, for Deno and for Node. Imports nothing of this directory, so that it can
 * be transpiled by itself for a Node that takes no TypeScript. Prints its port, then serves until it
 * is ended.
 *
 * ```sh
 * deno run --allow-net bench/servers/node_net.ts echo 0
 * ```
 *
 * The certificate is `PATH.crt` then, and its key `PATH.key`.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import fs from "node:fs";
import net from "node:net";
import process from "node:process";
import readline from "node:readline";
import tls from "node:tls";

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

function main(args: string[]): void {
  const certificate = args[0] === "--tls" ? args.splice(0, 2)[1] : undefined;
  const [name, port] = args;
  const handle = HANDLERS[String(name)];
  if (!handle) throw new TypeError(`Cannot serve ${name}: give one of ${Object.keys(HANDLERS)}`);
  const serve = (socket: net.Socket) => {
    // The client went away; the load generator counts what it lost.
    socket.on("error", () => socket.destroy());
    handle(socket);
  };
  const server = certificate === undefined ? net.createServer(serve) : tls.createServer({
    cert: fs.readFileSync(`${certificate}.crt`),
    key: fs.readFileSync(`${certificate}.key`),
    noDelay: true,
  }, serve);
  server.listen({ host: "127.0.0.1", port: Number(port), backlog: 4096 }, () => {
    console.log((server.address() as net.AddressInfo).port);
  });
}

main(process.argv.slice(2));
