import { handle_of_function } from "../../internal/shared/functions.ts";
import { refuse_uncloneable_value } from "../../internal/shared/travel.ts";
import { place_of } from "../../internal/workers/class_place.ts";
import type { RunSettings, RunValues } from "./run_worker.ts";
import { Startable, state_of } from "./startable.ts";
import type { AnyThreadOptions } from "./thread_options.ts";

/**
 * How the worker of a thread or a process finds what it is to run.
 *
 * @param otherwise What else may be done where that is not found, for the error.
 * @throws {TypeError} If it has nothing to run, or that has no name.
 */
export function run_settings(
  it: Startable,
  { target, module }: AnyThreadOptions,
  otherwise: string,
): RunSettings {
  const { name, daemon } = it;
  const Class = it.constructor as { name: string; module?: string };
  const has_run = it.run !== Startable.prototype.run;
  if (!target && !has_run) throw new TypeError(`Cannot start ${name}: it has nothing to run`);
  return {
    name,
    daemon,
    target: target && handle_of_function(target, { module, otherwise }),
    place: has_run ? place_of(Class, `${state_of(it).noun} class`) : undefined,
  };
}

/**
 * What its worker gets: the arguments of its target, and its fields if it has a `run()` of its own.
 *
 * @param shares_memory Whether shared memory can be among them.
 * @throws {TypeError} If one of them cannot be cloned.
 */
export function run_values(
  it: Startable,
  { args = [] }: AnyThreadOptions,
  { place }: RunSettings,
  shares_memory: boolean,
): RunValues {
  const check = (what: string, value: unknown) => {
    try {
      refuse_uncloneable_value(`${what} of ${it.name}`, value, shares_memory);
    } catch (cause) {
      throw new TypeError((cause as Error).message, { cause });
    }
  };
  args.forEach((arg, at) => check(`argument ${at + 1}`, arg));
  const fields = place ? Object.entries(it) : [];
  for (const [key, value] of fields) check(`the field ${key}`, value);
  return { args, fields: Object.fromEntries(fields) };
}
