/**
 * The bytes, if they are bytes. It throws at once, where a rejection might not be awaited.
 *
 * @param bytes What should be bytes.
 * @param wanted What may be sent, for the error.
 * @throws {TypeError} If they are something else.
 */
export function check_bytes(bytes: Uint8Array, wanted = "a Uint8Array"): Uint8Array {
  if (bytes instanceof Uint8Array) return bytes;
  const hint = (bytes as unknown) instanceof Promise ? ': is an "await" missing?' : "";
  const what = bytes === null ? "null" : Object(bytes).constructor?.name ?? typeof bytes;
  throw new TypeError(`Cannot send a value of the type ${what}, only ${wanted}${hint}`);
}
