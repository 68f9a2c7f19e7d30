/**
 * An item as text.
 *
 * @throws {DOMException} If it has something that JSON would leave out or change (`DataCloneError`).
 */
export function to_text(item: unknown): string {
  check(item, "the item", new Set());
  return JSON.stringify(item);
}

/** Refuses what would not come out as it went in. */
function check(value: unknown, path: string, parents: Set<object>): void {
  if (value === null || typeof value === "string" || typeof value === "boolean") return;
  if (typeof value === "number") {
    if (Number.isFinite(value)) return;
    throw refusal(path, String(value));
  }
  if (typeof value !== "object") throw refusal(path, name_of(value));
  if (parents.has(value)) throw refusal(path, "a value that contains itself");
  if (!Array.isArray(value) && !is_plain(value)) throw refusal(path, name_of(value));
  parents.add(value);
  if (Array.isArray(value)) check_array(value, path, parents);
  else check_object(value, path, parents);
  parents.delete(value);
}

function check_array(array: unknown[], path: string, parents: Set<object>): void {
  for (let i = 0; i < array.length; i++) check(array[i], `${path}[${i}]`, parents);
}

function check_object(object: object, path: string, parents: Set<object>): void {
  if ("toJSON" in object) throw refusal(path, "an object with a method toJSON()");
  for (const [name, value] of Object.entries(object)) check(value, `${path}.${name}`, parents);
}

function is_plain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

function name_of(value: unknown): string {
  if (value === undefined) return "undefined";
  if (typeof value !== "object") return `a ${typeof value}`;
  return `a ${value?.constructor?.name || "class without a name"}`;
}

function refusal(path: string, what: string): DOMException {
  const message =
    `Cannot put this in a queue of Redis: ${path} is ${what}, which JSON cannot carry`;
  return new DOMException(message, "DataCloneError");
}

/** The value of a text. */
export function from_text(text: string | undefined): unknown {
  if (text === undefined) throw new SyntaxError('There is no field "item"');
  return JSON.parse(text);
}
