import { resolve } from "node:path";
import { type Flag, list_flag, listed } from "./command_line.ts";
import type { ListedProgram } from "./own_process.ts";
import { START_FOLDER } from "./start_folder.ts";

/** Each permission, and what an item of its list is called in a query. */
const PERMISSIONS = {
  env: "variable",
  ffi: "path",
  import: "host",
  net: "host",
  read: "path",
  run: "command",
  sys: "kind",
  write: "path",
} as const;

type Permission = keyof typeof PERMISSIONS;

/** How a flag keeps something from a program. */
const DENIALS = ["deny", "ignore"] as const;

/**
 * The permissions that this process has now, as flags for a child, but not the one to run Deno where
 * that stands in a list: it is there for the library, and with it a child could do anything.
 *
 * Deno does not tell a program its permissions as lists. What has no list is asked for; lists are
 * taken from the command line, and each item is asked for: it may have been revoked.
 *
 * @param own The flags of this process; without them, only what is granted as a whole can be known.
 * @param programs The programs that the flags list.
 */
export function permission_flags(own: Flag[] | null, programs: ListedProgram[]): string[] {
  const permissions = (Object.keys(PERMISSIONS) as Permission[])
    .filter((permission) => denials_are_known(permission, own));
  const flags = own ?? [];
  const denied = flags.flatMap(denial);
  const everything = flags.some(({ name }) => name === "--allow-all") &&
    permissions.length === Object.keys(PERMISSIONS).length &&
    permissions.every((name) => granted({ name }));
  if (everything) return ["--allow-all", ...denied];
  const allowed = permissions.flatMap((permission) => {
    if (granted({ name: permission })) return `--allow-${permission}`;
    const items = permission === "run"
      ? programs.filter(({ is_deno }) => !is_deno).map(({ path }) => path)
      : listed(flags, `--allow-${permission}`).map((item) => absolute(permission, item));
    return list_flag(
      `--allow-${permission}`,
      items.filter((item) => state_of(permission, item) === "granted"),
    );
  });
  // Deno denies this by itself to who may run them.
  const kept = list_flag("--deny-write", programs.map(({ path }) => path));
  return [...allowed, ...denied, ...kept, ...list_flag("--deny-import", refused_hosts())];
}

/** Where Deno lets a program import from if no flag says otherwise. */
const IMPORT_HOSTS = [
  "deno.land:443",
  "jsr.io:443",
  "esm.sh:443",
  "cdn.jsdelivr.net:443",
  "raw.githubusercontent.com:443",
  "gist.githubusercontent.com:443",
];

/** Those that this process has given up: a child without a flag would have them. */
function refused_hosts(): string[] {
  return IMPORT_HOSTS.filter((host) => state_of("import", host) !== "granted");
}

/**
 * Whether all that is denied of a permission stands in the flags. Otherwise a child must not have the
 * permission at all.
 */
function denials_are_known(permission: Permission, flags: Flag[] | null): boolean {
  // A set of deno.json may deny anything. (What Deno denies by itself, it denies to a child, too.)
  const by_set = flags?.some(({ name }) => name === "--permission-set") ?? true;
  if (by_set && Deno.permissions.querySync({ name: permission }).partial) return false;
  const [denied, ignored] = DENIALS.map((word) =>
    listed(flags ?? [], `--${word}-${permission}`)
      .map((item) => state_of(permission, absolute(permission, item)))
  );
  return denied!.every((state) => state === "denied") &&
    ignored!.every((state) => state !== "granted");
}

/** A flag that denies something, for a child; nothing if it is another one. */
function denial({ name, value }: Flag): string[] {
  const [, permission] = /^--(?:deny|ignore)-(\w+)$/.exec(name) ?? [];
  if (permission === undefined) return [];
  if (value === undefined) return [name];
  const items = listed([{ name, value }], name);
  return list_flag(name, items.map((item) => absolute(permission as Permission, item)));
}

/** An item that means the same in every folder. */
function absolute(permission: Permission, item: string): string {
  const is_path = PERMISSIONS[permission] === "path" ||
    permission === "run" && item.includes("/");
  return is_path ? resolve(START_FOLDER, item) : item;
}

/** What this process may do with an item of a permission's list now; `undefined` if it is none. */
function state_of(permission: Permission, item: string): Deno.PermissionState | undefined {
  const value = permission === "net" ? member_of(item) : item;
  return state({ name: permission, [PERMISSIONS[permission]]: value } as PermissionQuery);
}

/**
 * A query takes neither a wildcard nor a network: one of its members stands for it, by chance, so that
 * it is hardly one that is denied.
 */
function member_of(item: string): string {
  const random = crypto.getRandomValues(new Uint8Array(4));
  if (item.startsWith("*.")) return `x${random.join("")}${item.slice(1)}`;
  const [, network, bits] = /^([\d.]+)\/(\d+)$/.exec(item) ?? [];
  if (network === undefined) return item.startsWith("unix:") ? item : item.replace(/\/\d+$/, "");
  return network.split(".").map((byte, at) => {
    const free = Math.min(Math.max((at + 1) * 8 - Number(bits), 0), 8);
    return Number(byte) | (random[at]! & ((1 << free) - 1));
  }).join(".");
}

type PermissionQuery = Parameters<typeof Deno.permissions.querySync>[0];

function state(query: PermissionQuery): Deno.PermissionState | undefined {
  try {
    return Deno.permissions.querySync(query).state;
  } catch {
    return undefined;
  }
}

/** Whether this process may do something now. */
export function granted(query: PermissionQuery): boolean {
  return state(query) === "granted";
}
