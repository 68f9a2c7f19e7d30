import type { BaseServer } from "../../mod.ts";
import { printable } from "../../internal/runtime/error_text.ts";
import { format_address } from "../../server/address.ts";
import type { Settings } from "../../server/options.ts";

/** What a server of a handler is, in a line, and where its page is, if there is one. */
export function headline(
  handler: string,
  server: BaseServer & Partial<Settings>,
  page: Deno.NetAddr | undefined,
): string {
  const parts = [
    `${handler} on ${format_address(server.server_address)}`,
    server.tls ? "TLS" : "",
    how_it_runs(server),
    page ? `monitor at http://${format_address(page)}/` : "",
  ];
  return printable(`${parts.filter(Boolean).join(", ")} (Ctrl-C stops it)`);
}

/** How the requests of a server run. */
function how_it_runs({ max_workers, max_children }: Partial<Settings>): string {
  if (max_workers !== undefined) {
    return `threading, ${max_workers} worker${max_workers > 1 ? "s" : ""}`;
  }
  return max_children === undefined ? "async" : `forking, up to ${max_children} at once`;
}
