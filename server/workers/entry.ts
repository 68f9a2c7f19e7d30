/**
 * What runs in a worker: it finds the handler class, says so, and serves the requests it is sent.
 *
 * @module
 */
import process from "node:process";
import { parentPort, workerData } from "node:worker_threads";
import { Exchange } from "../exchange.ts";
import { become_killable } from "../runtime.ts";
import type { RequestHandlerConstructor } from "../base_server.ts";
import { type Carried, unpack } from "./carriage.ts";
import { ClaimCounter } from "./claim_counter.ts";
import { error_of, image_of } from "./error_image.ts";
import { load_handler } from "./handler_place.ts";
import type { CallTarget, FromWorker, ToWorker, WorkerSettings } from "./messages.ts";
import { remote_server } from "./remote_server.ts";

/** A request that is being handled. */
interface Running {
  carried: Carried;
  exchange: Exchange;
}

const port = parentPort!;
const settings = workerData as WorkerSettings;
const claims = new ClaimCounter(settings.claims);
const server = remote_server(settings.server, caller("server"));
const running = new Map<number, Running>();
const closing = new Set<Promise<void>>();
const calls = new Map<number, PromiseWithResolvers<unknown>>();
let last_call = 0;
let Handler: RequestHandlerConstructor;

become_killable();
// What nobody catches ends the worker, as it would end the program in the main thread. The server
// is told why, and ends it: what it handled is lost in any case.
addEventListener("error", (event) => {
  event.preventDefault();
  fault(event.error);
});
addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  fault(event.reason);
});
try {
  Handler = await load_handler(settings.handler);
  port.on("message", receive);
  post({ type: "ready" });
} catch (error) {
  fault(error);
}

function fault(error: unknown): void {
  post({ type: "fault", error: image_of(error) });
}

function post(message: FromWorker): void {
  port.postMessage(message);
}

function receive(message: ToWorker): void {
  switch (message.type) {
    case "request":
      if (claims.take(message.claim)) void serve(message);
      break;
    case "interrupt":
      abort(message.id)?.interrupt();
      break;
    case "close":
      abort(message.id)?.close();
      break;
    case "answer":
      answer(message);
      break;
    case "end":
      void end();
      break;
  }
}

async function serve(message: Extract<ToWorker, { type: "request" }>): Promise<void> {
  const { id, parcel } = message;
  const client_address = "client_address" in message || parcel.kind === "value"
    ? message.client_address
    : parcel.remote;
  let carried: Carried | undefined;
  let done: FromWorker = { type: "done", id };
  try {
    carried = unpack(parcel, caller(id));
    const exchange = new Exchange(carried.request, client_address);
    running.set(id, { carried, exchange });
    await new Handler(carried.request, client_address, server).run();
  } catch (error) {
    done = { ...done, error: image_of(error) };
  }
  running.delete(id);
  post(done);
  if (!carried) return;
  const finished = carried.finish(settings.linger);
  closing.add(finished);
  await finished;
  closing.delete(finished);
}

/** Tells a handler, through its signal, that its request must end. */
function abort(id: number): Carried | undefined {
  const request = running.get(id);
  request?.exchange.abort(new DOMException("The request must end", "AbortError"));
  return request?.carried;
}

/** Calls methods in the server's thread. */
function caller(target: CallTarget): (method: string, args: unknown[]) => Promise<unknown> {
  return (method, args) => {
    const call = ++last_call;
    const outcome = Promise.withResolvers<unknown>();
    calls.set(call, outcome);
    try {
      post({ type: "call", call, target, method, args });
    } catch (error) {
      calls.delete(call);
      outcome.reject(error);
    }
    return outcome.promise;
  };
}

function answer({ call, value, error }: Extract<ToWorker, { type: "answer" }>): void {
  const outcome = calls.get(call);
  calls.delete(call);
  if (error) outcome?.reject(error_of(error));
  else outcome?.resolve(value);
}

async function end(): Promise<void> {
  await Promise.all(closing);
  process.exit();
}
