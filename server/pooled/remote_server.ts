import { BaseServer } from "../base_server.ts";
import { settings_of } from "../options.ts";
import type { ServerImage } from "../../internal/workers/messages.ts";

/** Copies a value for a worker; throws if it cannot get there. */
type Copy = (value: unknown) => unknown;

/**
 * What a worker needs to know of a server.
 *
 * @param server The server.
 * @param copy How values get to the worker.
 * @throws {DOMException} If its address cannot be cloned.
 */
export function image_of_server(server: BaseServer, copy: Copy): ServerImage {
  const settings = settings_of(server, {});
  const properties: Record<string, unknown> = { server_address: copy(server.server_address) };
  for (const name of Object.keys(settings)) properties[name] = Reflect.get(server, name);
  const { methods, fields } = members_of(server);
  return {
    properties,
    ...statics_of(server.constructor, copy),
    methods,
    fields: fields.filter((name) => !(name in properties)),
  };
}

/**
 * What stands for the server in a worker, as `this.server`.
 *
 * @param image What it is made of.
 * @param call Calls a method in the server's thread.
 */
export function remote_server(
  { properties, statics, uncopied_statics, methods, fields }: ServerImage,
  call: (method: string, args: unknown[]) => Promise<unknown>,
): object {
  const constructor = { ...statics };
  for (const name of uncopied_statics) {
    refuse_reading(constructor, name, `server.constructor.${name}`, "it cannot be copied");
  }
  const members: Record<string, unknown> = { ...properties, constructor };
  for (const method of methods) members[method] = (...args: unknown[]) => call(method, args);
  for (const field of fields) {
    refuse_reading(members, field, `server.${field}`, "it is in the server's thread");
  }
  return members;
}

function refuse_reading(object: object, name: string, path: string, reason: string): void {
  Object.defineProperty(object, name, {
    get: () => {
      throw new TypeError(
        `Cannot read ${path} in a worker: ${reason}. ` +
          "Give the server a method, which can be called from here and returns a promise",
      );
    },
  });
}

/** The static properties of a class and of those it extends. */
function statics_of(
  Class: unknown,
  copy: Copy,
): Pick<ServerImage, "statics" | "uncopied_statics"> {
  const statics: Record<string, unknown> = {};
  const uncopied = new Set<string>();
  for (let at = Class; typeof at === "function"; at = Object.getPrototypeOf(at)) {
    for (const [name, { value, get }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (Object.hasOwn(statics, name) || uncopied.has(name)) continue;
      if (name === "prototype" || name === "length") continue;
      try {
        if (get) uncopied.add(name);
        else statics[name] = copy(value);
      } catch {
        uncopied.add(name);
      }
    }
    if (at === BaseServer) break;
  }
  return { statics, uncopied_statics: [...uncopied] };
}

/** The names of a server's methods, and of its fields and getters; those of a subclass win. */
function members_of(server: BaseServer): Pick<ServerImage, "methods" | "fields"> {
  const methods = new Set<string>();
  const fields = new Set(Object.keys(server));
  for (let at = Object.getPrototypeOf(server); at !== Object.prototype;) {
    for (const [name, { value, get }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (name === "constructor" || methods.has(name) || fields.has(name)) continue;
      if (get) fields.add(name);
      else if (typeof value === "function" && !/^_|^[A-Z]/.test(name)) methods.add(name);
    }
    at = Object.getPrototypeOf(at);
  }
  return { methods: [...methods], fields: [...fields] };
}
