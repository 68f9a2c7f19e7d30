import { fileURLToPath } from "node:url";
import { type Flag, flags_of, own_process, type OwnProcess } from "./own_process.ts";

/** How to start a child process. */
export interface ChildCommand {
  /** The program. */
  file: string;
  /** Its arguments, without its name. */
  args: string[];
  /** Its environment, as `NAME=value`. */
  environment: string[];
}

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

/** What else a child is told if this process was: how modules are found, and how the runtime behaves. */
const INHERITED =
  /^--(unstable.*|cached-only|cert|conditions|config|env-file|frozen|frozen-lockfile|import-map|location|lock|no-config|no-lock|no-npm|no-remote|node-modules-.*|preload|require|seed|unsafely-ignore-certificate-errors|use-env-proxy|v8-flags|vendor)$/;

/** Variables that Deno lets a program set for a child only if it may run anything. */
const LOADER_VARIABLE = /^(LD|DYLD)_/;

/**
 * How to start a child process of this program that has the permissions of this process, and not one
 * more, and finds modules in the same way.
 *
 * Deno does not tell a program its permissions as lists. What has no list is asked for; lists are
 * taken from the command line (on Linux only), and each item is asked for: it may have been revoked.
 *
 * @param entry The URL of the child's module.
 * @throws {Deno.errors.NotSupported} In a program that `deno compile` made.
 * @throws {Deno.errors.NotCapable} If `deno` may not be run; it says what to type.
 */
export async function child_command(entry: string): Promise<ChildCommand> {
  if (Deno.build.standalone) {
    throw new Deno.errors.NotSupported(
      "Cannot start child processes of a compiled program: use ThreadingMixIn there",
    );
  }
  const file = granted({ name: "run", command: Deno.execPath() }) ? Deno.execPath() : "deno";
  const own = await own_process_of(file);
  const flags = own.arguments && flags_of(own.arguments);
  const args = [
    "run",
    "--no-prompt",
    ...inherited_flags(flags ?? []),
    ...permission_flags(flags),
    entry,
  ];
  return { file, args, environment: environment(own.environment) };
}

async function own_process_of(file: string): Promise<OwnProcess> {
  try {
    return await own_process(file);
  } catch (error) {
    const path = Deno.execPath();
    if (!granted({ name: "run", command: file })) {
      throw new Deno.errors.NotCapable(
        `Cannot start child processes: add --allow-run=deno, or --allow-run=${path}`,
        { cause: error },
      );
    }
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Deno.errors.NotFound(
      "Cannot start child processes: there is no deno on the PATH; " +
        `allow this one, with --allow-run=${path}`,
    );
  }
}

function inherited_flags(flags: Flag[]): string[] {
  const inherited = flags.filter(({ name }) => INHERITED.test(name));
  const has_config = inherited.some(({ name }) => /config$/.test(name));
  const config = has_config ? undefined : find_config();
  if (config) inherited.push({ name: "--config", value: config });
  return inherited.map(format);
}

/** The permissions of this process as flags; without its own flags only what is granted as a whole. */
function permission_flags(own: Flag[] | null): string[] {
  const permissions = (Object.keys(PERMISSIONS) as Permission[])
    .filter((permission) => denials_are_known(permission, own));
  const flags = own ?? [];
  const denied = flags.filter(({ name }) => /^--(deny|ignore)-/.test(name)).map(format);
  const everything = flags.some(({ name }) => name === "--allow-all") &&
    permissions.length === Object.keys(PERMISSIONS).length &&
    permissions.every((name) => granted({ name }));
  if (everything) return ["--allow-all", ...denied];
  const allowed = permissions.flatMap((permission) => {
    if (granted({ name: permission })) return `--allow-${permission}`;
    const items = listed(flags, `--allow-${permission}`).filter((item) =>
      state_of(permission, item) === "granted"
    );
    return items.length > 0 ? `--allow-${permission}=${items.join(",")}` : [];
  });
  return [...allowed, ...denied];
}

/**
 * Whether all that is denied of a permission stands in the flags, and means now what it meant at the
 * start. Otherwise a child must not have the permission at all.
 */
function denials_are_known(permission: Permission, flags: Flag[] | null): boolean {
  // A set of deno.json may deny anything. (What Deno denies by itself, it denies to a child, too.)
  const by_set = flags?.some(({ name }) => name === "--permission-set") ?? true;
  if (by_set && Deno.permissions.querySync({ name: permission }).partial) return false;
  // A relative path is another one in another folder.
  return listed(flags ?? [], `--deny-${permission}`)
    .every((item) => state_of(permission, item) === "denied") &&
    listed(flags ?? [], `--ignore-${permission}`)
      .every((item) => state_of(permission, item) !== "granted");
}

/** The items that a flag lists, all its occurrences together. */
function listed(flags: Flag[], flag: string): string[] {
  return flags.filter(({ name, value }) => name === flag && value !== undefined)
    // A comma that belongs to an item is written twice.
    .flatMap(({ value }) => value!.split(/(?<!,),(?!,)/));
}

/** What this process may do with an item of a permission's list now; `undefined` if it is none. */
function state_of(permission: Permission, item: string): Deno.PermissionState | undefined {
  const value = permission === "net" ? member_of(item) : item.replaceAll(",,", ",");
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

function granted(query: PermissionQuery): boolean {
  return state(query) === "granted";
}

function format({ name, value }: Flag): string {
  return value === undefined ? name : `${name}=${value}`;
}

/** The configuration of the program, which Deno looks for beside the main module of a process. */
function find_config(): string | undefined {
  // A Web Worker has none.
  if (!Deno.mainModule) return undefined;
  let url = new URL(".", Deno.mainModule);
  while (url.protocol === "file:") {
    const folder = fileURLToPath(url);
    const found = ["deno.json", "deno.jsonc"].map((name) => folder + name).find(is_file);
    if (found) return found;
    const parent = new URL("..", url);
    if (parent.href === url.href) break;
    url = parent;
  }
  return undefined;
}

/** Whether it is a file that this process may read. */
function is_file(path: string): boolean {
  if (!granted({ name: "read", path })) return false;
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** The environment of a child: all of it, as what it may read there is a permission. */
function environment(variables: Record<string, string>): string[] {
  const anything = granted({ name: "run" });
  return Object.entries(variables)
    .filter(([name]) => anything || !LOADER_VARIABLE.test(name))
    .map(([name, value]) => `${name}=${value}`);
}
