/**
 * Two servers in one thread, each with its own handler: what Python registers with `selectors`, a socket and a callback
 * for what is ready at it. Deno has that loop inside: a handler awaits, and others run meanwhile. They share variables
 * without a lock.
 *
 * ```sh
 * deno run --allow-net=127.0.0.1 examples/servers/selectors.ts
 * ```
 *
 * It prints:
 *
 * ```text
 * one two three
 * ONE TWO THREE
 * 6 lines came
 * ```
 *
 * @module
 */
import { AsyncTCPServer, StreamRequestHandler } from "../../mod.ts";
import { ask_all } from "./clients.ts";

const WORDS = ["one", "two", "three"];

let lines = 0;

/** Sends each line back. */
class EchoHandler extends StreamRequestHandler {
  override async handle(): Promise<void> {
    for await (const line of this.rfile) {
      lines++;
      await this.wfile.write(line);
    }
  }
}

/** Sends each line back in upper case. */
class UpperHandler extends StreamRequestHandler {
  override async handle(): Promise<void> {
    for await (const line of this.rfile) {
      lines++;
      await this.wfile.write(new TextDecoder().decode(line).toUpperCase());
    }
  }
}

{
  await using echo = new AsyncTCPServer(["127.0.0.1", 0], EchoHandler);
  await using upper = new AsyncTCPServer(["127.0.0.1", 0], UpperHandler);
  // Both serve from here on, until the end of the block.
  void echo.serve_forever();
  void upper.serve_forever();
  console.log((await ask_all(echo.server_address, WORDS)).join(" "));
  console.log((await ask_all(upper.server_address, WORDS)).join(" "));
}
console.log(`${lines} lines came`);
