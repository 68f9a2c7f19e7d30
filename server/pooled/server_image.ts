import { is_shared } from "../../internal/workers/sharing.ts";
import { settings_for_workers } from "../options.ts";

/** What `this.server` is made of in a worker. */
export interface ServerImage {
  /** Properties that were copied: the address and the settings. */
  properties: Record<string, unknown>;
  /** The static properties of the server's class. */
  statics: Record<string, unknown>;
  /** The names of those that cannot be copied. */
  uncopied_statics: string[];
  /** The names of methods, which run in the server's thread. */
  methods: string[];
  /** The names of fields and getters, which stay in the server's thread. */
  fields: string[];
}

/** A server, whatever it has. */
type Server = { readonly server_address: unknown };

/** Copies a value for a worker; throws if it cannot get there. */
type Copy = (value: unknown) => unknown;

/**
 * What a worker needs to know of a server.
 *
 * @param server The server.
 * @param copy How values get to the worker.
 * @throws {DOMException} If its address cannot be cloned.
 */
export function image_of_server(server: Server, copy: Copy): ServerImage {
  const properties: Record<string, unknown> = { server_address: copy(server.server_address) };
  for (const name of settings_for_workers(server)) properties[name] = Reflect.get(server, name);
  const { methods, fields } = members_of(server);
  return {
    properties,
    ...statics_of(server.constructor, copy),
    methods,
    fields: fields.filter((name) => {
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
        if (get) uncopied.add(name);
        else statics[name] = copy(value);
      } catch {
        uncopied.add(name);
      }
    }
  }
  return { statics, uncopied_statics: [...uncopied] };
}

/** The names of a server's methods, and of its fields and getters; those of a subclass win. */
function members_of(server: Server): Pick<ServerImage, "methods" | "fields"> {
  const methods = new Set<string>();
  const fields = new Set(Object.keys(server));
  for (let at = Object.getPrototypeOf(server); at !== Object.prototype;) {
    for (const [name, { value, get }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (name === "constructor" || methods.has(name) || fields.has(name)) continue;
      if (get) fields.add(name);
      else if (typeof value === "function" && !name.startsWith("_")) methods.add(name);
    }
    at = Object.getPrototypeOf(at);
  }
  return { methods: [...methods], fields: [...fields] };
}
