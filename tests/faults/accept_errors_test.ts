/** Accept errors of every class, thrown by a listener in front of the real one. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  AsyncTCPServer,
  AsyncUDPServer,
  type BaseServer,
  ForkingTCPServer,
  TCPServer,
  ThreadingTCPServer,
  ThreadingUDPServer,
  UDPServer,
} from "../../mod.ts";
import type { DatagramListener, Listener } from "../../server/listeners/listener.ts";
import { ask, LineClient } from "../fixtures/clients/clients.ts";
import { ask_udp, DatagramClient } from "../fixtures/clients/datagrams.ts";
import { UpperHandler, UpperPacketHandler } from "../fixtures/handlers/handlers.ts";
import { with_native } from "../fixtures/servers/named_servers.ts";
import { Noting, type NotingMembers } from "../fixtures/servers/noting.ts";
import { is_pending, soon, until } from "../fixtures/tools/waiting.ts";

/** Accepts from the real listener, except when it was told to fail. */
class FailingListener implements DatagramListener<Deno.NetAddr> {
  /** When errors were thrown, by `performance.now()`. */
  readonly failures: number[] = [];
  /** How often it was asked. */
  calls = 0;
  #real: Listener<never, Deno.NetAddr>;
  #accepting: Promise<never> | undefined;
  #left = 0;
  #make: () => unknown = () => undefined;
  #interrupt: ((error: unknown) => void) | undefined;

  constructor(real: Listener<unknown, Deno.NetAddr>) {
    this.#real = real as Listener<never, Deno.NetAddr>;
  }

  get addr(): Deno.NetAddr {
    return this.#real.addr;
  }

  /** Fails so many times, the first of them for the call that waits now. */
  fail(make: () => unknown, times: number): void {
    this.#make = make;
    this.#left = times;
    const interrupt = this.#interrupt;
    if (interrupt && times > 0) interrupt(this.#next());
  }

  accept(): Promise<never> {
    this.calls++;
    if (this.#left > 0) {
      // Listeners may do either.
      if (this.calls % 2 === 0) throw this.#next();
      return Promise.reject(this.#next());
    }
    const accepting = this.#accepting ??= Promise.resolve(this.#real.accept());
    return new Promise((resolve, reject) => {
      let waits = true;
      this.#interrupt = (error) => {
        waits = false;
        reject(error);
      };
      // What comes for a call that was interrupted is kept for the next one.
      const take = (settle: () => void) => {
        if (!waits) return;
        this.#accepting = this.#interrupt = undefined;
        settle();
      };
      accepting.then((value) => take(() => resolve(value)), (error) => take(() => reject(error)));
    });
  }

  send(data: Uint8Array, address: Deno.NetAddr): Promise<number> {
    return (this.#real as unknown as DatagramListener<Deno.NetAddr>).send(data, address);
  }

  close(): Promise<void> {
    return this.#real.close();
  }

  #next(): unknown {
    this.#left--;
    this.#interrupt = undefined;
    this.failures.push(performance.now());
    return this.#make();
  }
}

function with_code(code: string): () => Error {
  return () => Object.assign(new Error(`accept: ${code}`), { code });
}

/** The errors of each class, by name. */
const RETRY: Record<string, () => unknown> = {
  ConnectionAborted: () => new Deno.errors.ConnectionAborted("accept"),
  ConnectionRefused: () => new Deno.errors.ConnectionRefused("accept"),
  ConnectionReset: () => new Deno.errors.ConnectionReset("accept"),
  NotConnected: () => new Deno.errors.NotConnected("accept"),
};
for (
  const code of [
    ...["ECONNABORTED", "ECONNREFUSED", "ECONNRESET", "EHOSTDOWN", "EHOSTUNREACH", "EINTR"],
    ...["EMSGSIZE", "EINVAL", "ENETDOWN", "ENETUNREACH", "ENOTCONN", "EPERM", "EPROTO"],
    "ETIMEDOUT",
  ]
) RETRY[code] = with_code(code);

const PAUSE: Record<string, () => unknown> = {
  EMFILE: with_code("EMFILE"),
  ENFILE: with_code("ENFILE"),
  ENOBUFS: with_code("ENOBUFS"),
  ENOMEM: with_code("ENOMEM"),
  "an unknown code": with_code("EWHATEVER"),
  "an unknown error": () => new TypeError("accept"),
  "no error at all": () => undefined,
};

const STOP: Record<string, () => unknown> = {
  BadResource: () => new Deno.errors.BadResource("accept"),
  Interrupted: () => new Deno.errors.Interrupted("accept"),
  EBADF: with_code("EBADF"),
  ENOTSOCK: with_code("ENOTSOCK"),
};

/** How many errors come in a row, and in the class pause: 20 would take 14 s. */
const ROW = 20;
const PAUSE_ROW = 8;
/** The delays in between, in ms: 5, doubling to 1000. */
const DELAYS = Array.from({ length: PAUSE_ROW }, (_, at) => Math.min(5 * 2 ** at, 1000));

type NotingServer = BaseServer<Deno.NetAddr> & NotingMembers;

/** A kind of server, and how its clients talk to it. */
interface Kind {
  name: string;
  make(): NotingServer;
  /** A client that stays. */
  connect(address: Deno.NetAddr): Promise<OldClient> | OldClient;
  /** A new client, which asks and goes. */
  ask(address: Deno.NetAddr, line: string): Promise<string | null>;
  /** Whether the server takes new clients while it has an old one. */
  concurrent: boolean;
  /** Where in {@linkcode PAUSE} it begins: many servers with workers would be too much. */
  first_pause: number;
}

interface OldClient extends Disposable {
  ask(line: string): Promise<string | null>;
}

const OPTIONS = { max_workers: 1, max_children: 1, linger: 50 };
const TCP: Kind[] = [TCPServer, AsyncTCPServer, ThreadingTCPServer].map(tcp_kind);
const UDP: Kind[] = with_native([UDPServer, AsyncUDPServer, ThreadingUDPServer]).map((Server) => ({
  name: Server.name,
  make: () =>
    new (Noting(Server))(["127.0.0.1", 0], UpperPacketHandler, OPTIONS) as unknown as NotingServer,
  connect: (address) => new DatagramClient(address),
  ask: ask_udp,
  concurrent: true,
  first_pause: Server.name.includes("Threading") ? -1 : 0,
}));
const FORKING = tcp_kind(ForkingTCPServer);

function tcp_kind(Server: typeof TCPServer): Kind {
  return {
    name: Server.name,
    make: () =>
      new (Noting(Server))(["127.0.0.1", 0], UpperHandler, OPTIONS) as unknown as NotingServer,
    connect: (address) => LineClient.connect(address),
    ask,
    concurrent: Server !== TCPServer && Server.name !== "ForkingTCPServer",
    first_pause: Server.name.startsWith("Threading") || Server.name.startsWith("Forking") ? -2 : 0,
  };
}

/** A server that serves, through a listener that can fail. */
class Serving implements AsyncDisposable {
  readonly server: NotingServer;
  readonly listener: FailingListener;
  readonly loop: Promise<void>;

  constructor(kind: Kind) {
    this.server = kind.make();
    this.listener = new FailingListener(this.server.socket!);
    this.server.socket = this.listener;
    this.loop = this.server.serve_forever();
  }

  get address(): Deno.NetAddr {
    return this.server.server_address;
  }

  /** Resolves when so many errors were thrown. */
  async failed(count: number): Promise<void> {
    await soon(until(() => this.listener.failures.length >= count));
  }

  /** The one call of `serve_forever()` goes on. */
  async assert_same_loop(): Promise<void> {
    assertEquals(this.server.info().state, "serving");
    assert(await is_pending(this.loop, 0), "serve_forever() has returned");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await soon(this.server.server_close({ grace: 2000 }));
    await soon(this.loop);
  }
}

for (const kind of [...TCP, ...UDP, FORKING]) {
  Deno.test(`${kind.name}: ${ROW} errors in a row of one connection each are passed over at once, in silence`, async () => {
    await using serving = new Serving(kind);
    const { listener, address, server } = serving;
    for (const [name, make] of Object.entries(RETRY)) {
      const before = listener.failures.length;
      {
        using old = await kind.connect(address);
        assertEquals(await soon(old.ask("one")), "ONE");
        listener.fail(make, ROW);
        if (kind.concurrent) await serving.failed(before + ROW);
        assertEquals(await soon(old.ask("two")), "TWO", name);
      }
      assertEquals(await soon(kind.ask(address, "new")), "NEW", name);
      assertEquals(listener.failures.length, before + ROW);
      const took = listener.failures.at(-1)! - listener.failures.at(before)!;
      // With pauses it would be 14 s.
      assert(took < 5000, `${name}: it waited for ${took} ms in between`);
      await serving.assert_same_loop();
    }
    assertEquals(server.log.errors, []);
  });
}

// One test for all, because it waits: each server pauses for 1.3 s.
Deno.test(`${PAUSE_ROW} errors in a row for want of something are reported once, with pauses, by every server`, async () => {
  const all = [...TCP, ...UDP, FORKING].flatMap((kind) =>
    Object.entries(PAUSE).slice(kind.first_pause).map(([name, make]) =>
      assert_pauses(kind, name, make)
    )
  );
  await Promise.all(all);
});

/** Takes one server through the errors of the class pause. */
async function assert_pauses(kind: Kind, name: string, make: () => unknown): Promise<void> {
  await using serving = new Serving(kind);
  const { listener, address, server } = serving;
  const old = await kind.connect(address);
  assertEquals(await soon(old.ask("one")), "ONE");
  const error = make();
  listener.fail(() => error, PAUSE_ROW);
  const answer = kind.concurrent ? serving.failed(3).then(() => old.ask("two")) : old.ask("two");
  assertEquals(await soon(answer), "TWO", name);
  old[Symbol.dispose]();
  // This one comes while it pauses.
  assertEquals(await soon(kind.ask(address, "new")), "NEW", name);
  await serving.assert_same_loop();
  assertEquals(server.log.errors, [error]);
  const gaps = listener.failures.slice(1).map((time, at) => time - listener.failures[at]!);
  assertEquals(gaps.length, PAUSE_ROW - 1);
  // Timers may ring up to one ms early.
  for (const [at, gap] of gaps.entries()) assert(gap >= DELAYS[at]! - 1.5, `${name}: ${gaps}`);
  assertEquals(await soon(kind.ask(address, "again")), "AGAIN", name);
  // After a success the pauses begin anew.
  const before = listener.failures.length;
  listener.fail(() => error, 3);
  assertEquals(await soon(kind.ask(address, "after")), "AFTER", name);
  const again = performance.now() - listener.failures[before]!;
  // Without that they would be 1000 ms each.
  assert(again < 2500, `${name}: after a success it paused for ${again} ms`);
  assertEquals(server.log.errors, [error]);
}

for (const kind of [...TCP, ...UDP, FORKING]) {
  Deno.test(`${kind.name}: an error that says that the listener is closed ends the loop, and nothing else`, async () => {
    const server = kind.make();
    const listener = new FailingListener(server.socket!);
    server.socket = listener;
    const names = Object.entries(STOP).slice(0, kind === FORKING ? 1 : undefined);
    for (const [name, make] of names) {
      const loop = server.serve_forever();
      using old = await kind.connect(server.server_address);
      assertEquals(await soon(old.ask("one")), "ONE");
      listener.fail(make, 1);
      if (kind === TCP[0]) old[Symbol.dispose]();
      await soon(loop);
      assertEquals(server.info().state, "idle", name);
      // Datagrams have nobody to take them now, and a sequential server has no old clients.
      if (TCP.indexOf(kind) > 0) assertEquals(await soon(old.ask("two")), "TWO", name);
    }
    assertEquals(server.log.errors, []);
    const again = server.serve_forever();
    assertEquals(await soon(kind.ask(server.server_address, "new")), "NEW");
    await soon(server.server_close({ grace: 2000 }));
    await soon(again);
    await assertRejects(() => server.serve_forever(), Deno.errors.BadResource);
  });
}

for (const kind of TCP.slice(1)) {
  Deno.test(`${kind.name}: errors of connections without end do not starve the others`, async () => {
    await using serving = new Serving(kind);
    const { listener, address } = serving;
    using old = await kind.connect(address);
    assertEquals(await soon(old.ask("one")), "ONE");
    listener.fail(RETRY.ECONNABORTED!, Infinity);
    for (let time = 0; time < 5; time++) assertEquals(await soon(old.ask("two")), "TWO");
    assert(listener.failures.length > ROW);
    listener.fail(RETRY.ECONNABORTED!, 0);
    assertEquals(await soon(kind.ask(address, "new")), "NEW");
    await serving.assert_same_loop();
  });
}

// One test for all, because each waits for 1.3 s.
Deno.test("shutdown() and server_close() do not wait for the pause after an error", async () => {
  const all = TCP.flatMap((kind) =>
    (["shutdown", "server_close"] as const).map((call) => assert_ends_in_pause(kind, call))
  );
  await Promise.all(all);
});

/** Ends a server that pauses. */
async function assert_ends_in_pause(
  kind: Kind,
  call: "shutdown" | "server_close",
): Promise<void> {
  await using serving = new Serving(kind);
  const { listener, server, loop } = serving;
  assertEquals(await soon(kind.ask(serving.address, "one")), "ONE");
  await soon(until(() => server.info().active === 0));
  listener.fail(PAUSE.EMFILE!, Infinity);
  // The pause that has begun takes 1000 ms.
  await serving.failed(9);
  const { calls } = listener;
  await soon<unknown>(server[call]());
  await soon(loop);
  const took = performance.now() - listener.failures.at(-1)!;
  assert(took < 900, `${kind.name}.${call}() took ${took} ms`);
  assertEquals(listener.calls, calls);
}
