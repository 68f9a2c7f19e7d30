import { text_of } from "./flag_values.ts";
import {
  HELP_FLAG,
  PLACE_FLAGS,
  RUN_FLAGS,
  RUN_SWITCHES,
  SETTING_FLAGS,
  type SettingFlag,
  type SwitchFlag,
  TLS_FLAGS,
  UDP_FLAG,
  type ValueFlag,
  VERSION_FLAG,
  WAY_FLAGS,
} from "./flags.ts";
import { ALL_WAYS } from "./server_class.ts";

/** The first screen. */
export const HELP = `\
Makes a server of a file that exports a request handler.

  serve HANDLER [NAME] [FLAGS]   HANDLER: a file, a URL, or a jsr: package
                                 NAME: its export, if it has several handlers

How requests run   --async        all at once, on one event loop: the default
                   --threading    in workers, on all cores
                   --forking      in child processes, one request each
Where it listens   --port 8000    --host 127.0.0.1
                   --unix PATH    --udp    --fd systemd
Limits             --max-requests 1000     --max-requests-per-client 50
                   --request-timeout 30s   --max-workers 4
Who may ask        --allow 10.0.0.0/8      --deny 10.1.2.3
TLS                --tls-cert FILE         --tls-key FILE
Behind a proxy     --proxy-protocol required --trusted-proxy 10.0.0.1
What it does       --monitor [PORT]        --log text    --quiet    --verbose
At the end         --grace 5s     Ctrl-C lets requests end, twice does not

serve --help all   shows all flags     serve --version
`;

/** The flags in groups. */
function groups(): Record<string, (ValueFlag | SwitchFlag)[]> {
  return {
    "How requests run": WAY_FLAGS,
    "Where it listens": [...PLACE_FLAGS, UDP_FLAG],
    "Settings of the server, and what they are unless told": SETTING_FLAGS,
    "TLS": TLS_FLAGS,
    "What it shows, and how it ends": [...RUN_FLAGS, ...RUN_SWITCHES],
    "About itself": [HELP_FLAG, VERSION_FLAG],
  };
}

/** All flags, with what they are unless told. */
export function full_help(): string {
  const parts = Object.entries(groups()).map(([title, flags]) =>
    `${title}\n${flags.map(line_of).join("\n")}\n`
  );
  const notes = "Times: 500ms, 30s, 5m, 1h; without a unit they are milliseconds. Lists: repeat\n" +
    "the flag, or put commas between. What is on is turned off so: --no-broadcast.\n";
  return `${parts.join("\n")}\n${notes}`;
}

function line_of(flag: ValueFlag | SwitchFlag): string {
  return `  ${typed(flag).padEnd(29)} ${flag.help}${default_of(flag)}`;
}

function typed(flag: ValueFlag | SwitchFlag): string {
  if (!("sample" in flag) || is_switch(flag)) return `--${flag.name}`;
  return flag.otherwise ? `--${flag.name} [${flag.sample}]` : `--${flag.name} ${flag.sample}`;
}

function is_switch({ rule }: ValueFlag): boolean {
  return rule?.kind === "switch";
}

/** What a setting is unless told. */
function default_of(flag: ValueFlag | SwitchFlag | SettingFlag): string {
  if (!("setting" in flag)) return "";
  const Class = ALL_WAYS.find((Class) => flag.setting in Class);
  const value = text_of(Reflect.get(Class ?? {}, flag.setting), flag.rule.kind!);
  return ` (${is_switch(flag) ? (value === "true" ? "on" : "off") : value})`;
}
