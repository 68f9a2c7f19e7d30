import { printable } from "../../internal/runtime/error_text.ts";
import { format_address } from "../../server/address.ts";

/** Where events and what `info()` tells have addresses. */
const ADDRESSES = ["address", "client", "peer"];

/** An address as people write it, on one line; whatever a program takes for one. */
export function address_text(address: unknown): string {
  try {
    return printable(format_address(address));
  } catch {
    return "somewhere";
  }
}

/** The same with its addresses as text: there are some that JSON cannot have. */
export function with_address_texts(told: object): object {
  const addresses = Object.entries(told).filter(([key]) => ADDRESSES.includes(key));
  const texts = addresses.map(([key, address]) => [key, address_text(address)]);
  return { ...told, ...Object.fromEntries(texts) };
}
