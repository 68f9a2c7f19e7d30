import { printable } from "../../internal/runtime/error_text.ts";
import { format_address } from "../../server/address.ts";

/** An address as people write it, on one line; whatever a program takes for one. */
export function address_text(address: unknown): string {
  try {
    return printable(format_address(address));
  } catch {
    return "somewhere";
  }
}
