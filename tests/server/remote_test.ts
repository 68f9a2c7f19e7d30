/** Types: what a handler can have of a server, wherever it runs. `deno check` is the test. */
import {
  type BaseServer,
  type ForkingTCPServer,
  type ForkingUDPServer,
  type ForkingUnixDatagramServer,
  type ForkingUnixStreamServer,
  type Remote,
  type ServerInfo,
  StreamRequestHandler,
  TCPServer,
  ThreadingTCPServer,
  type ThreadingUDPServer,
  type ThreadingUnixDatagramServer,
  type ThreadingUnixStreamServer,
  type UnixStreamServer,
} from "../../mod.ts";
import { UpperHandler } from "../fixtures/handlers/handlers.ts";

/** @ignore */
export class Counting extends ThreadingTCPServer {
  #count = 0;
  field = 1;
  get getter(): number {
    return this.#count;
  }
  next(step: number): number {
    return this.#count += step;
  }
  async later(): Promise<string> {
    return await Promise.resolve("later");
  }
  _own(): void {}
  override verify_request(): boolean {
    return true;
  }
}

/** Whether two types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true
  : false;

function is_true<T extends true>(_is?: T): void {}

Deno.test("Remote: methods of the program give promises, and each is awaited once", () => {
  is_true<Same<Remote<Counting>["next"], (step: number) => Promise<number>>>();
  is_true<Same<Remote<Counting>["later"], () => Promise<string>>>();
  is_true<Same<ReturnType<Remote<Counting>["info"]>, Promise<ServerInfo>>>();
  is_true<Same<ReturnType<Remote<Counting>["shutdown"]>, Promise<void>>>();
});

Deno.test("Remote: address and settings are there, fields, getters, hooks and inner names are not", () => {
  type Names = keyof Remote<Counting>;
  is_true<Same<Remote<Counting>["max_workers"], number>>();
  is_true<Same<Remote<Counting>["request_timeout"], number | null>>();
  is_true<Remote<Counting>["server_address"] extends Deno.NetAddr ? true : false>();
  is_true<Same<Extract<Names, "field" | "getter" | "_own" | symbol>, never>>();
  is_true<Same<Extract<Names, "get_request" | "verify_request" | "handle_error">, never>>();
  is_true<Same<Extract<Names, "allow" | "deny" | "client_key" | "configure">, never>>();
  is_true<Same<Extract<Names, "socket" | "RequestHandlerClass" | "serve_forever">, never>>();
});

/** The names of the methods in a worker. */
type Methods<S> = {
  [K in keyof Remote<S>]: Remote<S>[K] extends (...args: never[]) => unknown ? K : never;
}[keyof Remote<S>];

Deno.test("Remote: each server has three methods of the library, and what a program adds", () => {
  type Offered = "shutdown" | "server_close" | "info";
  is_true<Same<Methods<ThreadingTCPServer>, Offered>>();
  is_true<Same<Methods<ThreadingUDPServer>, Offered>>();
  is_true<Same<Methods<ThreadingUnixStreamServer>, Offered>>();
  is_true<Same<Methods<ThreadingUnixDatagramServer>, Offered>>();
  is_true<Same<Methods<ForkingTCPServer>, Offered>>();
  is_true<Same<Methods<ForkingUDPServer>, Offered>>();
  is_true<Same<Methods<ForkingUnixStreamServer>, Offered>>();
  is_true<Same<Methods<ForkingUnixDatagramServer>, Offered>>();
  is_true<Same<Methods<Counting>, Offered | "next" | "later">>();
  is_true<Same<Extract<keyof Remote<ForkingTCPServer>, "active_children">, never>>();
});

Deno.test("Remote is the type of a handler's server unless told, and shows a forgotten await", () => {
  class Plain extends StreamRequestHandler {
    override async handle(): Promise<void> {
      is_true<Same<Plain["server"], Remote<BaseServer>>>();
      const { accepted } = await this.server.info();
      await this.wfile.write(`${accepted}\n`);
    }
  }
  class Forgetful extends StreamRequestHandler<Remote<Counting>> {
    override async handle(): Promise<void> {
      // @ts-expect-error: a promise is no number
      const wrong: number = this.server.next(1);
      // @ts-expect-error: the argument is missing
      await this.server.next();
      // @ts-expect-error: a field stays in the server's thread
      await this.wfile.write(`${wrong} ${this.server.field}`);
    }
  }
  void [Plain, Forgetful];
});

Deno.test("server_address of stream servers is what Deno.connect() takes", async () => {
  await using server = new TCPServer(["127.0.0.1", 0], UpperHandler);
  using _tcp = await Deno.connect(server.server_address);
  is_true<UnixStreamServer["server_address"] extends Deno.UnixConnectOptions ? true : false>();
});
