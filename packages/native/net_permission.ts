/** How many addresses are remembered that may be used. */
const MAX_KNOWN = 4096;

/** Hosts of which each port may be used, and single addresses. */
const known = new Set<string>();

/**
 * Looks whether the program may use an address: the C library does not ask, Deno's own sockets would.
 *
 * @throws {Deno.errors.NotCapable} If `--allow-net` is missing for it.
 */
export function check_net({ hostname, port }: Deno.NetAddr): void {
  if (may_use_all() || known.has(hostname)) return;
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  const address = `${host}:${port}`;
  if (known.has(address)) return;
  const is_free = is_granted(host);
  if (!is_free && !is_granted(address)) {
    throw new Deno.errors.NotCapable(
      `Requires net access to "${address}", run again with the --allow-net flag`,
    );
  }
  if (known.size >= MAX_KNOWN) known.clear();
  known.add(is_free ? hostname : address);
}

let all: boolean | undefined;

function may_use_all(): boolean {
  return all ??= Deno.permissions.querySync({ name: "net" }).state === "granted";
}

function is_granted(host: string): boolean {
  return Deno.permissions.querySync({ name: "net", host }).state === "granted";
}
