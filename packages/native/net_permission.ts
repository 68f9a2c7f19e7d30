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
  // With its port, always: a host counts as granted although `--deny-net` names one of its ports.
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

/** Whether the program may use every address: with `--deny-net` it may not. */
function may_use_all(): boolean {
  return all ??= is_wholly_granted(Deno.permissions.querySync({ name: "net" }));
}

function is_wholly_granted({ state, partial }: Deno.PermissionStatus): boolean {
  return state === "granted" && !partial;
}
