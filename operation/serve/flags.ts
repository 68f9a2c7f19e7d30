import type { TlsOptions } from "../../mod.ts";
import { type Rule, RULES, type Settings } from "../../server/options.ts";

/** What a value may be. */
export type FlagRule = Pick<Rule, "check" | "words" | "kind">;

/** A flag that has a value. */
export interface ValueFlag {
  /** Its name, without the dashes. */
  name: string;
  /** What stands for its value in the help, and an example of one. */
  sample: string;
  /** What it is for, in a few words. */
  help: string;
  /** What its value may be; any text if there is no rule. */
  rule?: FlagRule;
  /** Whether it has a list, and may come more than once. */
  is_list?: boolean;
  /** What it means without a value, if it can be left without one. */
  otherwise?: string;
}

/** A flag that is there or not. */
export type SwitchFlag = Pick<ValueFlag, "name" | "help">;

/** A setting of servers, and its flag. */
export interface SettingFlag extends ValueFlag {
  setting: keyof Settings;
  rule: FlagRule;
}

const TIME: FlagRule = {
  check: (value) => typeof value === "number" && value >= 0,
  words: "0 or more milliseconds",
  kind: "time",
};
const PORT: FlagRule = {
  check: (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 65_535,
  words: "a whole number from 0 to 65535",
  kind: "count",
};

const LIST: FlagRule = {
  check: (value) => Array.isArray(value) && !value.includes(""),
  words: "a list of names",
  kind: "list",
};

/** A rule of a few words. */
function choice(...words: string[]): FlagRule {
  return {
    check: (value) => words.includes(value as string),
    words: `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`,
    kind: "choice",
  };
}

/** How requests run. */
export type Way = "async" | "threading" | "forking";

export const WAY_FLAGS: (SwitchFlag & { name: Way })[] = [
  { name: "async", help: "all at once, on one event loop: the default" },
  { name: "threading", help: "in workers, on all cores" },
  { name: "forking", help: "in child processes, one request each" },
];

/** Where it listens. */
export const PLACE_FLAGS: ValueFlag[] = [
  { name: "port", sample: "8000", help: "the port; 0: any that is free", rule: PORT },
  { name: "host", sample: "127.0.0.1", help: "the address; 0.0.0.0: for other machines, too" },
  { name: "unix", sample: "PATH", help: "the path of a Unix socket, in place of a port" },
];

export const UDP_FLAG: SwitchFlag = { name: "udp", help: "datagrams in place of connections" };

/** The options of TLS that have a flag. */
export type TlsOption = Exclude<keyof TlsOptions, "sni">;

/** How it speaks TLS. */
export const TLS_FLAGS: (ValueFlag & { option: TlsOption })[] = [
  {
    option: "cert",
    name: "tls-cert",
    sample: "FILE",
    help: "the certificate, and who signed it",
  },
  { option: "key", name: "tls-key", sample: "FILE", help: "its key" },
  {
    option: "passphrase",
    name: "tls-password-file",
    sample: "FILE",
    help: "the password of the key, or of --tls-pfx",
  },
  {
    option: "pfx",
    name: "tls-pfx",
    sample: "FILE",
    help: "certificate and key in one file (PKCS#12)",
  },
  {
    option: "ca",
    name: "tls-client-ca",
    sample: "FILE",
    help: "who signs the certificates of clients",
  },
  {
    option: "request_client_cert",
    name: "tls-client-cert",
    sample: "required",
    help: "with --tls-client-ca: required or optional",
    rule: choice("required", "optional"),
  },
  {
    option: "alpn_protocols",
    name: "tls-alpn",
    sample: "NAME",
    help: "a protocol that clients may ask for",
    rule: LIST,
    is_list: true,
  },
  {
    option: "min_version",
    name: "tls-min-version",
    sample: "1.3",
    help: "1.2 or 1.3",
    rule: choice("1.2", "1.3"),
  },
];

/** What is shown of it, and how it ends. */
export const RUN_FLAGS: ValueFlag[] = [
  {
    name: "monitor",
    sample: "8001",
    help: "a live page at this port of 127.0.0.1",
    rule: PORT,
    otherwise: "8001",
  },
  {
    name: "log",
    sample: "text",
    help: "a line for each request: json, text or none",
    rule: choice("json", "text", "none"),
  },
  { name: "grace", sample: "5s", help: "how long requests may go on at the end", rule: TIME },
];

export const RUN_SWITCHES: SwitchFlag[] = [
  { name: "quiet", help: "says nothing but errors" },
  { name: "verbose", help: "shows errors with their stack" },
];

/** The help, of which there is more with `all`. */
export const HELP_FLAG: ValueFlag = {
  name: "help",
  sample: "all",
  help: "this text",
  otherwise: "short",
};

export const VERSION_FLAG: SwitchFlag = { name: "version", help: "the version" };

/** What each setting is for, in the order of the help. */
const SETTINGS_HELP: Partial<Record<keyof Settings, string>> = {
  max_requests: "requests at once",
  overflow: "what is done with more: queue or refuse",
  request_queue_size: "how many of them may wait",
  max_requests_per_client: "requests of one client at once",
  max_accepts_per_second: "requests taken in a second",
  request_timeout: "how long a request may take",
  max_connection_age: "how long a connection may stay",
  linger: "how long a closed one waits for more",
  allow: "who alone may ask: address or range",
  deny: "who may not",
  max_workers: "workers",
  max_requests_per_worker: "requests at once in one of them",
  max_children: "child processes",
  daemon_threads: "waits for no busy worker at the end",
  block_on_close: "waits for requests at the end",
  max_packet_size: "the longest datagram, in bytes",
  broadcast: "may send to broadcast addresses",
  multicast_groups: "a group whose datagrams come, too",
  allow_reuse_address: "takes an address that was just in use",
  allow_reuse_port: "shares the port with other processes",
  inherit: "a socket it is given: its name or number",
  proxy_protocol: "a header first: off or required",
  trusted_proxies: "a proxy that is believed",
  proxy_timeout: "how long the header may take",
  handshake_timeout: "how long a TLS handshake may take",
};

/** Flags whose name is not that of their setting. */
const NAMES: Partial<Record<keyof Settings, string>> = {
  inherit: "fd",
  multicast_groups: "multicast-group",
  trusted_proxies: "trusted-proxy",
};

const SAMPLES: Partial<Record<keyof Settings, string>> = {
  allow: "10.0.0.0/8",
  deny: "10.1.2.3",
  inherit: "systemd",
  multicast_groups: "239.1.2.3",
  overflow: "refuse",
  proxy_protocol: "required",
  trusted_proxies: "10.0.0.1",
};

/** What counts and times are shown with. */
const SAMPLE_OF_KIND: Partial<Record<string, string>> = { count: "N", time: "30s" };

/** What `serve_forever()` has no use for. */
const WITHOUT_USE: (keyof Settings)[] = ["timeout"];

/** The settings that can be written, from the table of all: those with a help first. */
export const SETTING_FLAGS: SettingFlag[] = Object.keys({ ...SETTINGS_HELP, ...RULES })
  .map((name) => name as keyof Settings)
  .filter((setting) => RULES[setting].kind && !WITHOUT_USE.includes(setting))
  .map((setting) => {
    const rule = RULES[setting];
    return {
      setting,
      rule,
      name: NAMES[setting] ?? setting.replaceAll("_", "-"),
      sample: SAMPLES[setting] ?? SAMPLE_OF_KIND[rule.kind!] ?? "",
      help: SETTINGS_HELP[setting] ?? rule.words,
      is_list: rule.kind === "list",
    };
  });

/** The names of settings in a text, and their values, as they are typed here. */
export function with_flags(text: string): string {
  const settings = SETTING_FLAGS.filter(({ setting }) => setting.includes("_"))
    .map(({ setting, name }) => [setting, name] as const);
  const options = TLS_FLAGS.map(({ option, name }) => [`tls.${option}`, name] as const);
  return [...settings, ...options].reduce(
    (text, [setting, name]) =>
      text.replaceAll(new RegExp(`\\b${setting}\\b(?: = "?([^":]*)"?)?`, "g"), (_, value) => {
        return value === undefined ? `--${name}` : `--${name} ${value}`;
      }),
    text,
  );
}
