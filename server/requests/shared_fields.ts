import { is_shared, SHARED } from "../../internal/workers/sharing.ts";

/** A field's part: what is behind a shared object. */
interface Adopted {
  adopt(name: string, report: (error: Error) => void): void;
}

/** The fields of a server that hold shared objects: handlers have them wherever they run. */
export function shared_fields_of(server: object): Record<string, object> {
  return Object.fromEntries(Object.entries(server).filter(([, value]) => is_shared(value)));
}

/** Has what happens to a server's shared objects reported to it. */
export function adopt_shared_fields(server: object, report: (error: Error) => void): void {
  for (const [name, object] of Object.entries(shared_fields_of(server))) {
    (Reflect.get(object, SHARED) as Adopted).adopt(`server.${name}`, report);
  }
}
