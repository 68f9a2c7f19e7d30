/** The settings of stream handlers. In Python `timeout = 60` in the class sets one; here that is a field. */
const SETTINGS = ["timeout", "read_deadline", "rbufsize", "wbufsize", "disable_nagle_algorithm"];

/** The classes that were looked at. */
const known = new WeakSet<object>();

/**
 * Warns, once for each class, of a setting that is a field: it sets nothing, and nobody would notice a clock that never
 * runs out.
 *
 * @param handler A handler, with its fields.
 */
export function warn_of_misplaced_settings(handler: object): void {
  const { constructor } = handler;
  if (known.has(constructor)) return;
  known.add(constructor);
  for (const name of SETTINGS.filter((name) => Object.hasOwn(handler, name))) {
    console.warn(
      `The field ${name} of ${constructor.name} sets nothing: settings of handlers are static, ` +
        `as in \`static override ${name} = …\``,
    );
  }
}
