import type net from "node:net";
import process from "node:process";
import type { RequestHandlerConstructor } from "../../server/base_server.ts";
import { Exchange } from "../../server/requests/exchange.ts";
import { DatagramSocket } from "../../server/sockets/datagram_socket.ts";
import { type Carried, unpack } from "../../server/pooled/carriage.ts";
import { ClaimCounter } from "./claim_counter.ts";
import { uncloneable } from "./cloning.ts";
import { DescriptorTable } from "../runtime/descriptor_table.ts";
import { error_of, image_of } from "./error_image.ts";
import { load_handler } from "../../server/pooled/handler_place.ts";
import type { CallTarget, FromWorker, ToWorker, WorkerSettings } from "./messages.ts";
import { Outbox } from "./outbox.ts";
import { RelayedSender } from "../../server/pooled/relayed_sender.ts";
import { remote_server } from "../../server/pooled/remote_server.ts";

/** How a worker and the server's thread reach each other. */
export interface Port {
  /** Sends messages. */
  post(messages: FromWorker[]): void;
  /** Has a function called with messages, and with the socket that came with them. */
  on_messages(receive: (messages: ToWorker[], handle?: net.Socket) => void): void;
}

/** A request that is being handled. */
interface Running {
  carried: Carried;
  exchange: Exchange;
}

/** What runs in a worker: it finds the handler class, says so, and serves the requests it is sent. */
export class WorkerSide {
  #outbox: Outbox<FromWorker>;
  #settings!: WorkerSettings;
  #claims: ClaimCounter | undefined;
  #table: DescriptorTable | undefined;
  #server!: object;
  #socket!: DatagramSocket<Deno.Addr>;
  #Handler!: RequestHandlerConstructor;
  #running: Map<number, Running> = new Map();
  #closing: Set<Promise<void>> = new Set();
  #calls: Map<number, PromiseWithResolvers<unknown>> = new Map();
  #last_call = 0;

  /**
   * Serves what comes through a port.
   *
   * @param port What the worker and the server's thread reach each other through.
   */
  constructor(port: Port) {
    this.#outbox = new Outbox((messages) => port.post(messages));
    // What nobody catches ends the worker, as it would end the program in the main thread. The
    // server is told why, and ends it: what it handled is lost in any case.
    addEventListener("error", (event) => {
      event.preventDefault();
      this.#fault(event.error);
    });
    addEventListener("unhandledrejection", (event) => {
      event.preventDefault();
      this.#fault(event.reason);
    });
    port.on_messages((messages, handle) => {
      for (const message of messages) this.#receive(message, handle);
    });
  }

  #fault(error: unknown): void {
    this.#outbox.post({ type: "fault", error: image_of(error) });
  }

  #receive(message: ToWorker, handle: net.Socket | undefined): void {
    switch (message.type) {
      case "start":
        void this.#start(message.settings);
        break;
      case "request":
        if (this.#takes(message.claim)) void this.#serve(message, handle);
        break;
      case "interrupt":
        this.#abort(message.id)?.interrupt();
        break;
      case "close":
        this.#abort(message.id)?.close();
        break;
      case "answer":
        this.#answer(message);
        break;
      case "end":
        void this.#end();
        break;
      case "exit":
        process.exit();
    }
  }

  async #start(settings: WorkerSettings): Promise<void> {
    this.#settings = settings;
    if (settings.claims) this.#claims = new ClaimCounter(settings.claims);
    if (settings.table) this.#table = new DescriptorTable(settings.table);
    this.#server = remote_server(
      settings.server,
      (method, args) => this.#call("server", method, args),
    );
    const { server_address } = settings.server.properties;
    this.#socket = new DatagramSocket(
      server_address as Deno.Addr,
      new RelayedSender({
        call: (method, args) => this.#call("socket", method, args),
        tell: (method, args) =>
          this.#outbox.defer({ type: "call", call: 0, target: "socket", method, args }),
      }),
    );
    try {
      this.#Handler = await load_handler(settings.handler);
      this.#outbox.post({ type: "ready" });
    } catch (error) {
      this.#fault(error);
    }
  }

  /** Whether a request is this worker's: the server may have taken it back. */
  #takes(claim: number | undefined): boolean {
    return !this.#claims || this.#claims.take(claim!);
  }

  async #serve(
    message: Extract<ToWorker, { type: "request" }>,
    handle: net.Socket | undefined,
  ): Promise<void> {
    const { id, parcel } = message;
    const client_address = "remote" in parcel && !("client_address" in message)
      ? parcel.remote
      : message.client_address;
    let carried: Carried | undefined;
    let done: FromWorker = { type: "done", id };
    try {
      const call = (method: string, args: unknown[]) => this.#call(id, method, args);
      carried = unpack(parcel, { call, socket: this.#socket, table: this.#table }, handle);
      const exchange = new Exchange(carried.request, client_address);
      this.#running.set(id, { carried, exchange });
      await new this.#Handler(carried.request, client_address, this.#server).run();
    } catch (error) {
      done = { ...done, error: image_of(error) };
    }
    this.#running.get(id)?.exchange.close();
    this.#running.delete(id);
    this.#outbox.defer(done);
    if (carried) await this.#finish(carried);
  }

  async #finish(carried: Carried): Promise<void> {
    const finished = carried.finish(this.#settings.linger);
    this.#closing.add(finished);
    await finished;
    this.#closing.delete(finished);
  }

  /** Tells a handler, through its signal, that its request must end. */
  #abort(id: number): Carried | undefined {
    const request = this.#running.get(id);
    request?.exchange.abort(new DOMException("The request must end", "AbortError"));
    return request?.carried;
  }

  /** Calls a method in the server's thread. */
  #call(target: CallTarget, method: string, args: unknown[]): Promise<unknown> {
    const call = ++this.#last_call;
    const outcome = Promise.withResolvers<unknown>();
    this.#calls.set(call, outcome);
    try {
      this.#outbox.post({ type: "call", call, target, method, args });
    } catch (error) {
      this.#calls.delete(call);
      outcome.reject(uncloneable(`an argument of ${method}()`, error));
    }
    return outcome.promise;
  }

  #answer({ call, value, error }: Extract<ToWorker, { type: "answer" }>): void {
    const outcome = this.#calls.get(call);
    this.#calls.delete(call);
    if (error) outcome?.reject(error_of(error));
    else outcome?.resolve(value);
  }

  async #end(): Promise<void> {
    await Promise.all(this.#closing);
    this.#outbox.flush();
    process.exit();
  }
}
