import { BaseServer } from "../base_server.ts";
import { settings_of } from "../options.ts";
import type { ServerImage } from "./messages.ts";

/** What a worker needs to know of a server. */
export function image_of_server(server: BaseServer): ServerImage {
  const settings = settings_of(server, {});
  const properties: Record<string, unknown> = { server_address: server.server_address };
  for (const name of Object.keys(settings)) properties[name] = Reflect.get(server, name);
  return {
    properties,
    statics: statics_of(server.constructor),
    methods: methods_of(server),
    fields: Object.keys(server).filter((name) => !(name in properties)),
  };
}

/**
 * What stands for the server in a worker, as `this.server`.
 *
 * @param image What it is made of.
 * @param call Calls a method in the server's thread.
 */
export function remote_server(
  { properties, statics, methods, fields }: ServerImage,
  call: (method: string, args: unknown[]) => Promise<unknown>,
): object {
  const members: Record<string, unknown> = { ...properties, constructor: statics };
  for (const method of methods) members[method] = (...args: unknown[]) => call(method, args);
  for (const field of fields) {
    Object.defineProperty(members, field, {
      get: () => {
        throw new TypeError(
          `Cannot read server.${field} in a worker: it is in the server's thread. ` +
            "Give the server a method, which can be called from here and returns a promise",
        );
      },
    });
  }
  return members;
}

/** The data among the static properties of a class and of those it extends. */
function statics_of(Class: unknown): Record<string, unknown> {
  const statics: Record<string, unknown> = {};
  for (let at = Class; typeof at === "function"; at = Object.getPrototypeOf(at)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (name in statics || name === "prototype" || name === "length") continue;
      const copy = copy_of(value);
      if (copy !== undefined) statics[name] = copy;
    }
    if (at === BaseServer) break;
  }
  return statics;
}

function copy_of(value: unknown): unknown {
  try {
    return structuredClone(value);
  } catch {
    return undefined;
  }
}

/** The names of the methods of a server, its subclass's own first. */
function methods_of(server: object): string[] {
  const names = new Set<string>();
  for (let at = server; at && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (typeof value === "function" && name !== "constructor" && !/^_|^[A-Z]/.test(name)) {
        names.add(name);
      }
    }
  }
  return [...names];
}
