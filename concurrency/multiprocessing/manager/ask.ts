import { core_of, LocalCore, type SharedObject } from "../../../internal/shared/shared_object.ts";
import { copy_of } from "../../../internal/shared/travel.ts";
import { attempt } from "../../../internal/shared/waits.ts";

/** Calls a method of a dict, a list or a namespace: values go in and come out as copies, wherever it is at home. */
export function ask<T>(proxy: SharedObject, method: string, ...args: unknown[]): Promise<T> {
  return attempt(() => {
    const core = core_of(proxy);
    if (!(core instanceof LocalCore)) return core.call<T>(method, args);
    const copies = copy_of("what is given", args);
    return core.call<T>(method, copies).then((result) => copy_of("what is there", result));
  });
}
