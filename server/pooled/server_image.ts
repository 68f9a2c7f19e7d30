import { is_shared } from "../../internal/workers/sharing.ts";
import { is_secret, settings_for_workers } from "../options.ts";

/** What `this.server` is made of in a worker. */
export interface ServerImage {
  /** Properties that were copied: the address and the settings. */
  properties: Record<string, unknown>;
  /** The static properties of the server's class. */
  statics: Record<string, unknown>;
  /** The names of those that cannot be copied, or must not. */
  uncopied_statics: string[];
  /** The names of methods that workers may call. They run in the server's thread. */
  methods: string[];
  /** The names of what they cannot have, and why: fields, getters, and other methods. */
  refused: [name: string, reason: string][];
}

/** What workers may call of the library's own classes. */
const OFFERED = ["shutdown", "server_close", "info"];

/** Why workers cannot have something. */
const OWN_FIELD = "it is in the server's thread";
const OWN_METHOD = "its name begins with _, so it is the server's own";
const HOOK = "it is a step of the server, which nobody else may take";

/** A server, whatever it has. */
type Server = { readonly server_address: unknown };

/** Copies a value for a worker; throws if it cannot get there. */
type Copy = (value: unknown) => unknown;

/**
 * What a worker needs to know of a server.
 *
 * @param server The server.
 * @param hooks The names of what the library's classes have, and a class of the program may override.
 * @param copy How values get to the worker.
 * @throws {DOMException} If its address cannot be cloned.
 */
export function image_of_server(
  server: Server,
  hooks: readonly string[],
  copy: Copy,
): ServerImage {
  const properties: Record<string, unknown> = { server_address: copy(server.server_address) };
  for (const name of settings_for_workers(server)) properties[name] = Reflect.get(server, name);
  const { methods, refused } = members_of(server, hooks);
  return {
    properties,
    ...statics_of(server.constructor, copy),
    methods,
    refused: refused.filter(([name]) => {
      return !(name in properties) && !is_shared(Reflect.get(server, name));
    }),
  };
}

/** The static properties of a class and of those it extends. */
function statics_of(
  Class: unknown,
  copy: Copy,
): Pick<ServerImage, "statics" | "uncopied_statics"> {
  const statics: Record<string, unknown> = {};
  const uncopied = new Set<string>();
  for (let at = Class as object; at !== Function.prototype; at = Object.getPrototypeOf(at)) {
    for (const [name, { value, get }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (Object.hasOwn(statics, name) || uncopied.has(name)) continue;
      if (name === "prototype" || name === "length") continue;
      try {
        if (get || is_secret(name)) uncopied.add(name);
        else statics[name] = copy(value);
      } catch {
        uncopied.add(name);
      }
    }
  }
  return { statics, uncopied_statics: [...uncopied] };
}

/** The names of a server's methods, and of what workers cannot have; those of a subclass win. */
function members_of(
  server: Server,
  hooks: readonly string[],
): Pick<ServerImage, "methods" | "refused"> {
  const methods = new Set<string>();
  const refused = new Map(Object.keys(server).map((name) => [name, OWN_FIELD]));
  for (let at = Object.getPrototypeOf(server); at !== Object.prototype;) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (name in Object.prototype || methods.has(name) || refused.has(name)) continue;
      if (typeof value !== "function") refused.set(name, OWN_FIELD);
      else if (name.startsWith("_")) refused.set(name, OWN_METHOD);
      else if (hooks.includes(name) && !OFFERED.includes(name)) refused.set(name, HOOK);
      else methods.add(name);
    }
    at = Object.getPrototypeOf(at);
  }
  return { methods: [...methods], refused: [...refused] };
}
