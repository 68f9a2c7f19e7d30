import { core_of, LocalCore, SharedObject } from "../../../internal/shared/shared_object.ts";
import { copy_of } from "../../../internal/shared/travel.ts";
import { attempt } from "../../../internal/shared/waits.ts";

/** What the proxies of dicts, lists and namespaces have in common: values go in and come out as copies. */
export abstract class ValueProxy extends SharedObject {
  /** @ignore */
  protected ask<T>(method: string, ...args: unknown[]): Promise<T> {
    return attempt(() => {
      const core = core_of(this);
      if (!(core instanceof LocalCore)) return core.call<T>(method, args);
      return core.call<T>(method, copy_of(args)).then(copy_of);
    });
  }
}
