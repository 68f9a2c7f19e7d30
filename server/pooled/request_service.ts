/**
 * What workers of a server do: each job is a request, which a handler is made for.
 *
 * @module
 */
import type { Calls } from "../../internal/workers/calls.ts";
import { load_class } from "../../internal/workers/class_place.ts";
import { image_of } from "../../internal/workers/error_image.ts";
import { type Scope, sharing } from "../../internal/workers/sharing.ts";
import type { WorkerJob } from "../../internal/workers/worker_job.ts";
import type { JobRun, Service, WorkerSide } from "../../internal/workers/worker_side.ts";
import type { Traffic } from "../info.ts";
import { Exchange } from "../requests/exchange.ts";
import {
  type Agreed,
  HANDSHAKE_TIMEOUT,
  type HandshakeEnd,
  type HandshakeWatch,
} from "../requests/handshakes.ts";
import type { RequestHandlerConstructor } from "../requests/request_handler.ts";
import { DatagramSocket } from "../sockets/datagram_socket.ts";
import type { TlsSettings } from "../sockets/expected_tls.ts";
import { secure, StreamSocket } from "../sockets/stream_socket.ts";
import { TlsTerms } from "../sockets/tls_terms.ts";
import { type Carried, unpack } from "./carriage.ts";
import { datagram_sender } from "./datagram_senders.ts";
import { remote_server_class } from "./remote_server.ts";
import {
  type RequestChanges,
  type RequestMessage,
  type RequestSettings,
  update,
} from "./request_messages.ts";

/** Finds the handler class: the worker is ready when that is done. */
export async function start(
  settings: unknown,
  worker: WorkerSide,
  shared: Record<string, object>,
): Promise<Service> {
  const told = settings as RequestSettings;
  const { handler, server } = told;
  const Handler = await load_class(handler) as RequestHandlerConstructor;
  const Server = remote_server_class(server, shared, worker.calls);
  const sender = await datagram_sender(told.sender, worker.calls);
  let socket: DatagramSocket<Deno.Addr> | undefined;
  const make_socket = () =>
    socket ??= new DatagramSocket(server.properties.server_address as Deno.Addr, sender);
  const handshakes = new RemoteHandshakes(server.properties, worker.calls);
  let terms = told.tls && new TlsTerms(told.tls);
  return {
    begin(job) {
      const tls = terms && { terms, timeout: handshakes.timeout };
      const request = new HandledRequest(job, make_socket, tls, handshakes);
      request.done = request.run(Handler, new Server(job), (carried) => {
        const finished = carried.finish(told.linger);
        if (finished) worker.hold(finished);
      });
      return request;
    },
    configure(changes) {
      const changed = changes as RequestChanges;
      if ("tls" in changed) {
        terms = new TlsTerms(changed.tls, terms);
      } else {
        update(told, changed.settings);
        Object.assign(Server.prototype, changed.settings);
      }
    },
  };
}

/** Tells the server's thread of TLS handshakes. */
class RemoteHandshakes implements HandshakeWatch {
  #server: { handshake_timeout?: number };
  #calls: Calls;

  constructor(server: { handshake_timeout?: number }, calls: Calls) {
    this.#server = server;
    this.#calls = calls;
  }

  get timeout(): number {
    return this.#server.handshake_timeout ?? HANDSHAKE_TIMEOUT;
  }

  /** The one with which a request begins has ended well. */
  secured(exchange: Exchange, agreed: Agreed): void {
    this.#tell(exchange, "secured", agreed);
  }

  begun(exchange: Exchange): void {
    this.#tell(exchange, "begun");
  }

  ended(exchange: Exchange, end: HandshakeEnd): void {
    if ("agreed" in end) this.#tell(exchange, "agreed", end.agreed);
    else this.#tell(exchange, "failed", image_of(end.error));
  }

  #tell({ job }: Exchange, method: string, ...args: unknown[]): void {
    this.#calls.tell("handshake", method, args, job!.id);
  }
}

/** A request that is being handled in a worker. */
class HandledRequest implements JobRun {
  done!: Promise<void>;
  #carried: Carried;
  #exchange: Exchange;
  #handshakes: RemoteHandshakes;
  /** What it waits for and holds, where there is something to share. */
  #scope: Scope | undefined;

  constructor(
    job: WorkerJob,
    socket: () => DatagramSocket<Deno.Addr>,
    tls: TlsSettings | undefined,
    handshakes: RemoteHandshakes,
  ) {
    const message = job.message as RequestMessage;
    this.#handshakes = handshakes;
    this.#carried = unpack(message, job, socket, tls);
    const { request, client_address } = this.#carried;
    this.#exchange = new Exchange(request, client_address);
    this.#exchange.traceparent = "kind" in message ? message.traceparent : message[1];
    this.#exchange.job = job;
    this.#exchange.handshakes = handshakes;
    this.#scope = sharing.system?.begin({ job: job.id });
  }

  /** Handles it as a task of its own. */
  run(
    Handler: RequestHandlerConstructor,
    server: object,
    over: (carried: Carried) => void,
  ): Promise<void> {
    const handle = () => this.#handle(Handler, server, over);
    return this.#scope ? run_in(this.#scope, handle) : handle();
  }

  /** Handles it; `over` is called with what is to be closed then. */
  async #handle(
    Handler: RequestHandlerConstructor,
    server: object,
    over: (carried: Carried) => void,
  ): Promise<void> {
    const { request, client_address } = this.#exchange;
    try {
      const secured = request instanceof StreamSocket ? secure(request) : undefined;
      if (secured) {
        this.#handshakes.secured(this.#exchange, await secured);
      }
      await new Handler(request, client_address, server).run();
    } finally {
      this.#exchange.close();
      over(this.#carried);
    }
  }

  traffic(): Traffic | undefined {
    return this.#carried.traffic();
  }

  interrupt(reason: Error): void {
    this.#exchange.abort(reason);
    this.#carried.interrupt();
    this.#scope?.interrupt(reason);
  }

  cut(reason: Error): void {
    this.#exchange.abort(reason);
    this.#carried.close();
    this.#scope?.cut(reason);
  }

  abandon(): void {
    this.#scope?.give_up(this.#exchange.reason);
  }
}

/** Handles a request, with what it waits for and holds. */
async function run_in(scope: Scope, handle: () => Promise<void>): Promise<void> {
  try {
    await scope.run(handle);
  } finally {
    scope.end();
  }
}
