import type { Calls } from "../../internal/workers/calls.ts";
import type { WorkerJob } from "../../internal/workers/worker_job.ts";
import type { ServerImage } from "./server_image.ts";

/** What stands for the server in a worker: `this.server` of one request. */
class RemoteServer {
  #job: WorkerJob;

  constructor(job: WorkerJob) {
    this.#job = job;
  }

  /** The request that a method is called for; none where the method was taken off its object. */
  static job_of(server: unknown): WorkerJob | undefined {
    return server instanceof Object && #job in server ? server.#job : undefined;
  }
}

/**
 * What makes `this.server` for each request in a worker. Its methods run in the server's thread, and what
 * they are waited for ends with the request.
 *
 * @param image What it is made of.
 * @param shared What handlers share, wherever they run.
 * @param calls Calls a method that belongs to no request.
 */
export function remote_server_class(
  { properties, statics, uncopied_statics, methods, refused }: ServerImage,
  shared: Record<string, object>,
  calls: Calls,
): new (job: WorkerJob) => object {
  const Server = class extends RemoteServer {};
  const constructor = { ...statics };
  for (const name of uncopied_statics) {
    refuse_reading(constructor, name, `server.constructor.${name}`, "it cannot be copied");
  }
  const members = Server.prototype as unknown as Record<string, unknown>;
  for (const [name, value] of Object.entries({ ...properties, ...shared, constructor })) {
    Object.defineProperty(members, name, { value, enumerable: true, writable: true });
  }
  for (const method of methods) {
    members[method] = function (this: unknown, ...args: unknown[]) {
      const job = RemoteServer.job_of(this);
      const call = job
        ? job.wait_for("server", method, args)
        : calls.call(0, "server", method, args);
      return call.named(`server.${method}`);
    };
  }
  for (const [name, reason] of refused) {
    refuse_reading(members, name, `server.${name}`, reason);
  }
  return Server;
}

function refuse_reading(object: object, name: string, path: string, reason: string): void {
  Object.defineProperty(object, name, {
    set(this: object, value: unknown) {
      Object.defineProperty(this, name, { value, writable: true, enumerable: true });
    },
    get: () => {
      throw new TypeError(
        `Cannot read ${path} in a worker: ${reason}. ` +
          "Give the server a method, which can be called from here and returns a promise",
      );
    },
  });
}
