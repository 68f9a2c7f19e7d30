import { parseArgs, type ParseArgsConfig } from "node:util";
import type { ServerOptions } from "../../server/options.ts";
import type { TlsFlags } from "./certificates.ts";
import { value_of } from "./flag_values.ts";
import {
  HELP_FLAG,
  PLACE_FLAGS,
  RUN_FLAGS,
  RUN_SWITCHES,
  SETTING_FLAGS,
  type SwitchFlag,
  TLS_FLAGS,
  UDP_FLAG,
  type ValueFlag,
  VERSION_FLAG,
  type Way,
  WAY_FLAGS,
} from "./flags.ts";
import { suggestion } from "./suggestion.ts";
import { UsageError } from "./usage_error.ts";

/** What a server is told to do. */
export interface ServeCommand {
  /** The handler's file, URL or `jsr:` package. */
  handler: string;
  /** The export that is the handler, or the only one. */
  name: string | undefined;
  /** How requests run; the server class says so if it is left out. */
  way: Way | undefined;
  /** Whether requests are datagrams. */
  datagrams: boolean;
  /** The path of a Unix socket, or host and port. */
  address: string | { hostname: string; port: number };
  /** The settings that were given. */
  settings: ServerOptions;
  /** What is said of TLS, if it is spoken. */
  tls: TlsFlags | undefined;
  /** The port of the live page. */
  monitor: number | undefined;
  log: "json" | "text" | "none";
  quiet: boolean;
  /** How long requests may go on at the end, in ms. */
  grace: number | undefined;
}

/** What a command line asks for. */
export type Command = "help" | "help all" | "version" | ServeCommand;

/** Where it listens unless it is told. */
const HOST = "127.0.0.1";
const PORT = 8000;

const VALUES: ValueFlag[] = [
  ...PLACE_FLAGS,
  ...TLS_FLAGS,
  ...RUN_FLAGS,
  HELP_FLAG,
  ...SETTING_FLAGS.filter(({ rule }) => rule.kind !== "switch"),
];
const SETTING_SWITCHES: SwitchFlag[] = SETTING_FLAGS.filter(({ rule }) => rule.kind === "switch");
const SWITCHES: SwitchFlag[] = [
  ...WAY_FLAGS,
  UDP_FLAG,
  ...RUN_SWITCHES,
  VERSION_FLAG,
  ...SETTING_SWITCHES,
];
/** All names of flags. */
const NAMES: string[] = [...VALUES, ...SWITCHES].map(({ name }) => name);

/** Before the name of a setting that is turned off. */
const NO = "no-";

const OPTIONS: NonNullable<ParseArgsConfig["options"]> = Object.fromEntries([
  ...VALUES.map(({ name }) => [name, { type: "string" }]),
  ...SWITCHES.map(({ name }) => [name, { type: "boolean" }]),
  ...SETTING_SWITCHES.map(({ name }) => [NO + name, { type: "boolean" }]),
]);

/** What was typed: the words that are no flags, whether switches are on, and what follows other flags. */
interface Typed {
  words: string[];
  switches: Map<string, boolean>;
  texts: Map<string, string[]>;
}

/**
 * Reads a command line.
 *
 * @throws {UsageError} If it is wrong.
 */
export function read_command_line(args: string[]): Command {
  const typed = parsed(args);
  const { switches, texts, words: [handler, name, ...more] } = typed;
  const help = texts.get(HELP_FLAG.name);
  if (help) return help.includes("all") ? "help all" : "help";
  if (switches.has(VERSION_FLAG.name)) return "version";
  if (!handler) {
    throw new UsageError("There is no handler: write serve handler.ts, or serve --help");
  }
  if (more.length > 0) {
    throw new UsageError(`Cannot use ${more.join(" ")}: a file and a name are all that is taken`);
  }
  check_place(texts);
  const given = values_of(texts);
  return {
    handler,
    name,
    way: way_of(switches),
    datagrams: switches.has(UDP_FLAG.name),
    address: given.unix as string ??
      { hostname: given.host as string ?? HOST, port: given.port as number ?? PORT },
    settings: settings_of(switches, given),
    tls: tls_of(given),
    monitor: given.monitor as number,
    log: given.log as "json" ?? "none",
    quiet: switches.has("quiet"),
    grace: given.grace as number,
  };
}

/** What was typed, each word where it belongs. */
function parsed(args: string[]): Typed {
  const typed: Typed = { words: [], switches: new Map(), texts: new Map() };
  const given = args.map(with_optional_value);
  const { tokens } = parseArgs({ args: given, options: OPTIONS, strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind === "positional") typed.words.push(token.value);
    if (token.kind === "option") add_flag(typed, token);
  }
  return typed;
}

/** A flag as it was typed. */
interface FlagToken {
  name: string;
  rawName: string;
  value: string | undefined;
  inlineValue: boolean | undefined;
}

function add_flag({ texts, switches }: Typed, token: FlagToken): void {
  const { name, rawName, value = "", inlineValue } = token;
  if (!Object.hasOwn(OPTIONS, name)) {
    throw new UsageError(`There is no flag ${rawName}: ${suggestion(rawName, NAMES)}`);
  }
  if (VALUES.some((flag) => flag.name === name)) {
    const is_flag = !inlineValue && value.startsWith("--");
    texts.set(name, [...texts.get(name) ?? [], is_flag ? "" : value]);
    return;
  }
  if (inlineValue) {
    throw new UsageError(`Cannot use ${rawName} with a value (${value}): write it without`);
  }
  const is_on = SWITCHES.some((flag) => flag.name === name);
  switches.set(is_on ? name : name.slice(NO.length), is_on);
}

/** A flag whose value may be left out has what it means then; what follows may be the handler. */
function with_optional_value(arg: string, at: number, args: string[]): string {
  const flag = VALUES.find(({ name, otherwise }) => otherwise && arg === `--${name}`) ??
    (arg === "-h" ? HELP_FLAG : undefined);
  const next = args[at + 1] ?? "";
  const is_value = flag === HELP_FLAG ? next === "all" : /^\d+$/.test(next);
  return flag && !is_value ? `--${flag.name}=${flag.otherwise}` : arg;
}

/** The values that were typed, by the names of their flags. */
function values_of(texts: Typed["texts"]): Record<string, unknown> {
  const given: Record<string, unknown> = {};
  for (const flag of VALUES) {
    const values = texts.get(flag.name)?.map((text) => value_of(flag, text));
    if (values) given[flag.name] = flag.is_list ? values.flat() : values.at(-1);
  }
  return given;
}

function way_of(switches: Typed["switches"]): Way | undefined {
  const [way, other] = WAY_FLAGS.filter(({ name }) => switches.has(name));
  if (other) {
    throw new UsageError(`Cannot use --${way!.name} with --${other.name}: write one of them`);
  }
  return way?.name;
}

function settings_of(switches: Typed["switches"], given: Record<string, unknown>): ServerOptions {
  const settings = SETTING_FLAGS.map(({ setting, name }) => [
    setting,
    switches.get(name) ?? given[name],
  ]);
  return Object.fromEntries(settings.filter(([, value]) => value !== undefined));
}

/** A server has one place: a path, or a socket that is given, has no port. */
function check_place(texts: Typed["texts"]): void {
  const place = ["unix", "fd"].find((name) => texts.has(name));
  const other = ["port", "host"].find((name) => texts.has(name));
  if (!place || !other) return;
  throw new UsageError(`Cannot use --${place} with --${other}: write one of them`);
}

/** What is said of TLS; a certificate has its key beside it, or in it. */
function tls_of(given: Record<string, unknown>): TlsFlags | undefined {
  const typed = TLS_FLAGS.filter(({ name }) => given[name] !== undefined);
  if (typed.length === 0) return undefined;
  const tls: TlsFlags = Object.fromEntries(typed.map(({ option, name }) => [option, given[name]]));
  if (tls.pfx === undefined && (tls.cert ?? tls.key) === undefined) {
    throw new UsageError("There is no certificate: write --tls-cert FILE --tls-key FILE");
  }
  for (const [one, other] of [["cert", "key"], ["key", "cert"]] as const) {
    if (tls[one] === undefined || tls[other] !== undefined) continue;
    throw new UsageError(
      `There is no --tls-${other}: write --tls-${other} FILE beside --tls-${one}`,
    );
  }
  return tls;
}
