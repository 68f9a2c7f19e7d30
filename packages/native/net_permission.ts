/** How many addresses are remembered that may be used. */
const MAX_KNOWN = 4096;

const known = new Set<string>();

/**
 * Looks whether the program may use an address: the C library does not ask, Deno's own sockets would.
 *
 * @throws {Deno.errors.NotCapable} If `--allow-net` is missing for it.
 */
export function check_net({ hostname, port }: Deno.NetAddr): void {
  if (may_use_all()) return;
  const host = hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
  if (known.has(host)) return;
  if (Deno.permissions.querySync({ name: "net", host }).state !== "granted") {
    throw new Deno.errors.NotCapable(
      `Requires net access to "${host}", run again with the --allow-net flag`,
    );
  }
  if (known.size >= MAX_KNOWN) known.clear();
  known.add(host);
}

let all: boolean | undefined;

function may_use_all(): boolean {
  return all ??= Deno.permissions.querySync({ name: "net" }).state === "granted";
}
