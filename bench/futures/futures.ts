/**
 * What tasks of pools cost: small ones, one at a time and 20,000 at once, by 2 workers, beside the pools of CPython and
 * of two packages for Node, on the same machine. These packages are installed by npm, into a temporary folder.
 *
 * ```sh
 * deno task bench:futures
 * deno task bench:futures --rounds 5
 * ```
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { fileURLToPath } from "node:url";
import { type Column, markdown_table } from "../markdown_table.ts";
import { median } from "../median.ts";
import { output_of } from "../output_of.ts";

/** How many tasks there are at once, one at a time, and that compute. */
const COUNTS = ["20000", "3000", "100"];
/** The same without those at once: what the others cost. */
const WITHOUT = ["0", ...COUNTS.slice(1)];
/** How often those at once are done: once to warm up. */
const TIMES = 2;

const NPM_PACKAGES = ["piscina@5", "workerpool@10"];

/** A program that has tasks done. */
interface Peer {
  name: string;
  kind: "threads" | "processes";
  command: string[];
}

/** What a run of a program has shown. */
interface Run {
  /** Tasks a second, by how they are done. */
  figures: Record<string, number>;
  /** The processor time of the program, its threads and its children, in seconds. */
  cpu: number;
}

const path_of = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/** Runs a program in a shell, which tells what it and its children have used. */
async function run(command: string[]): Promise<Run> {
  const output = await output_of("sh", ["-c", '"$@"; times', "sh", ...command]) ?? "";
  const [figures = "", , of_children = ""] = output.trim().split("\n");
  return { figures: JSON.parse(figures), cpu: seconds_of(of_children) };
}

/** Adds up times as the shell tells them: `0m1.25s 0m0.30s`. */
function seconds_of(times: string): number {
  const found = [...times.matchAll(/(\d+)m([\d.]+)s/g)];
  return found.reduce((sum, [, minutes, rest]) => sum + 60 * Number(minutes) + Number(rest), 0);
}

/** The peers that run on Node, where there are Node and npm. */
async function node_peers(folder: string): Promise<Peer[]> {
  const version = await output_of("node", ["--version"]);
  // `deno task` gives a machine without Node a `node` that is Deno.
  if (!version?.startsWith("v")) return [];
  const args = ["install", "--no-audit", "--no-fund", "--prefix", folder, ...NPM_PACKAGES];
  if (await output_of("npm", args) === undefined) return [];
  for (const file of ["node.mjs", "workerpool_worker.cjs"]) {
    await Deno.copyFile(path_of(file), `${folder}/${file}`);
  }
  const command = ["node", `${folder}/node.mjs`];
  return [
    { name: "piscina 5", kind: "threads", command: [...command, "piscina", "threads"] },
    { name: "workerpool 10", kind: "threads", command: [...command, "workerpool", "threads"] },
    { name: "workerpool 10", kind: "processes", command: [...command, "workerpool", "processes"] },
  ];
}

async function python_peers(): Promise<Peer[]> {
  if (await output_of("python3", ["--version"]) === undefined) return [];
  const command = ["python3", path_of("cpython.py")];
  return [
    { name: "CPython", kind: "threads", command: [...command, "threads"] },
    { name: "CPython", kind: "processes", command: [...command, "processes"] },
  ];
}

function own_peers(): Peer[] {
  const deno = [Deno.execPath(), "run", "--allow-all"];
  return (["threads", "processes"] as const).flatMap((kind) => [
    { name: "this library", kind, command: [...deno, path_of("ours.ts"), kind] },
    { name: "bare messages", kind, command: [...deno, path_of("bare.ts"), kind] },
  ]);
}

/** Figures of all rounds, by the peer. */
type Figures = Map<Peer, Record<string, number[]>>;

/** Measures each peer once, one right after the other. */
async function measure(peers: Peer[], figures: Figures): Promise<void> {
  for (const peer of peers) {
    const whole = await run([...peer.command, ...COUNTS]);
    const without = await run([...peer.command, ...WITHOUT]);
    const tasks = TIMES * Number(COUNTS[0]);
    const all: Record<string, number> = {
      ...whole.figures,
      us: (whole.cpu - without.cpu) / tasks * 1e6,
    };
    const noted = figures.get(peer) ?? {};
    for (const [name, figure] of Object.entries(all)) (noted[name] ??= []).push(figure);
    figures.set(peer, noted);
  }
}

/** Medians, and how many times as fast this library was in the same round. */
function rows(peers: Peer[], figures: Figures): string[][] {
  const value = (peer: Peer, name: string) => figures.get(peer)![name] ?? [];
  return peers.map((peer) => {
    const own = peers.find(({ name, kind }) => name === "this library" && kind === peer.kind)!;
    const shown = (name: string, show: (figure: number) => string) =>
      value(peer, name).length > 0 ? show(median(value(peer, name))) : "";
    const ratio = (name: string) => {
      const ratios = value(peer, name).map((figure, round) => value(own, name)[round]! / figure);
      return ratios.length > 0 ? median(ratios).toFixed(2) : "";
    };
    const count = (figure: number) => Math.round(figure).toLocaleString("en");
    const has_many = value(peer, "at once").length > 0;
    return [
      peer.kind,
      peer.name,
      shown("at once", count),
      ratio("at once"),
      has_many ? shown("us", (figure) => figure.toFixed(1)) : "",
      shown("one at a time", count),
      ratio("one at a time"),
      shown("2 workers to 1", (figure) => figure.toFixed(2)),
    ];
  });
}

const COLUMNS: Column[] = [
  { heading: "workers", numeric: false },
  { heading: "pool", numeric: false },
  { heading: "at once, a second", numeric: true },
  { heading: "ours to it", numeric: true },
  { heading: "CPU us each", numeric: true },
  { heading: "one at a time, a second", numeric: true },
  { heading: "ours to it", numeric: true },
  { heading: "2 workers to 1", numeric: true },
];

const { rounds } = parseArgs(Deno.args, { string: ["rounds"], default: { rounds: "3" } });
const folder = await Deno.makeTempDir();
try {
  const found = [await node_peers(folder), await python_peers()];
  const peers = [...own_peers(), ...found.flat()].sort((one, other) =>
    other.kind.localeCompare(one.kind)
  );
  const figures: Figures = new Map();
  for (let round = 0; round < Number(rounds); round++) await measure(peers, figures);
  console.log(markdown_table(COLUMNS, rows(peers, figures)));
  const names = ["node or npm: piscina and workerpool", "python3: CPython"];
  const missing = names.filter((_, at) => found[at]!.length === 0);
  if (missing.length > 0) console.log(`\nLeft out, without ${missing.join("; without ")}.`);
} finally {
  await Deno.remove(folder, { recursive: true });
}
