/**
 * What workers of a server do: each job is a request, which a handler is made for.
 *
 * @module
 */
import { load_class, load_module } from "../../internal/workers/class_place.ts";
import { type Scope, sharing } from "../../internal/workers/sharing.ts";
import type { WorkerJob } from "../../internal/workers/worker_job.ts";
import type { JobRun, Service, WorkerSide } from "../../internal/workers/worker_side.ts";
import type { Traffic } from "../info.ts";
import type { WorkerSender } from "../listeners/listener.ts";
import { Exchange } from "../requests/exchange.ts";
import type { RequestHandlerConstructor } from "../requests/request_handler.ts";
import { type DatagramSender, DatagramSocket } from "../sockets/datagram_socket.ts";
import { StreamSocket } from "../sockets/stream_socket.ts";
import { type Carried, unpack } from "./carriage.ts";
import { RelayedSender } from "./relayed_sender.ts";
import { remote_server_class } from "./remote_server.ts";
import { type RequestMessage, type RequestSettings, update } from "./request_messages.ts";

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
  const sender = told.sender ? await own_sender(told.sender) : relay(worker);
  let socket: DatagramSocket<Deno.Addr> | undefined;
  const make_socket = () =>
    socket ??= new DatagramSocket(server.properties.server_address as Deno.Addr, sender);
  return {
    begin(job) {
      const request = new HandledRequest(job, make_socket);
      request.done = request.run(Handler, new Server(job), (carried) => {
        const finished = carried.finish(told.linger);
        if (finished) worker.hold(finished);
      });
      return request;
    },
    configure(changes) {
      update(told, changes);
      Object.assign(Server.prototype, changes);
    },
  };
}

/** Sends through the server's thread. */
function relay(worker: WorkerSide): DatagramSender<Deno.Addr> {
  return new RelayedSender({
    call: (method, args) => worker.calls.call(0, "socket", method, args),
    tell: (method, args) => worker.calls.tell("socket", method, args),
  });
}

/** Sends by itself. */
async function own_sender(place: WorkerSender): Promise<DatagramSender<Deno.Addr>> {
  const { [place.name]: make } = await load_module(place.module, "the server's socket");
  return (make as (settings: unknown) => DatagramSender<Deno.Addr>)(place.settings);
}

/** A request that is being handled in a worker. */
class HandledRequest implements JobRun {
  done!: Promise<void>;
  #carried: Carried;
  #exchange: Exchange;
  /** What it waits for and holds, where there is something to share. */
  #scope: Scope | undefined;

  constructor(job: WorkerJob, socket: () => DatagramSocket<Deno.Addr>) {
    const message = job.message as RequestMessage;
    this.#carried = unpack(message, job, socket);
    const { request } = this.#carried;
    const client_address = request instanceof StreamSocket && !("client_address" in message)
      ? request.remoteAddr
      : message.client_address;
    this.#exchange = new Exchange(request, client_address);
    this.#exchange.traceparent = message.traceparent;
    this.#scope = sharing.system?.begin({ job: job.id });
  }

  /** Handles it as a task of its own. */
  async run(
    Handler: RequestHandlerConstructor,
    server: object,
    over: (carried: Carried) => void,
  ): Promise<void> {
    const handle = () => this.#handle(Handler, server, over);
    if (!this.#scope) return await handle();
    try {
      await this.#scope.run(handle);
    } finally {
      this.#scope.end();
    }
  }

  /** Handles it; `over` is called with what is to be closed then. */
  async #handle(
    Handler: RequestHandlerConstructor,
    server: object,
    over: (carried: Carried) => void,
  ): Promise<void> {
    const { request, client_address } = this.#exchange;
    try {
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
