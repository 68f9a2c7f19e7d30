import { output_of } from "./output_of.ts";

/** What server programs run under. */
export type RuntimeName = "deno" | "node" | "go" | "python3" | "cc";

/** A runtime that this machine has. */
export interface Runtime {
  /** Its name and version. */
  version: string;
  /** The command, up to the path of a server program. */
  command: string[];
  /** Where its server programs are. */
  directory: string;
}

const { dirname: BENCH } = import.meta;
const SERVERS = `${BENCH}/servers`;
/** The programs that Node runs too, without their extension. */
const NODE_SCRIPTS = ["node_net", "node_dgram"];

/** Prints, on a line each, the interpreter and its version. */
const DESCRIBE_PYTHON =
  "import platform, sys; print(sys.executable); print(platform.python_version())";

/**
 * Finds the runtimes of this machine.
 *
 * @param directory Where programs go that must be transpiled or built.
 */
export async function find_runtimes(directory: string): Promise<Map<RuntimeName, Runtime>> {
  const runtimes = new Map([["deno" as RuntimeName, deno()]]);
  const node = await find_node(directory);
  if (node) runtimes.set("node", node);
  const go = await find_go(directory);
  if (go) runtimes.set("go", go);
  const cc = await find_cc(directory);
  if (cc) runtimes.set("cc", cc);
  const python3 = await find_python();
  if (python3) runtimes.set("python3", python3);
  return runtimes;
}

function deno(): Runtime {
  const command = [Deno.execPath(), "run", "--allow-net=127.0.0.1", "--allow-read"];
  return { version: `Deno ${Deno.version.deno}`, command, directory: SERVERS };
}

async function find_node(directory: string): Promise<Runtime | undefined> {
  const version = await output_of("node", ["--version"]);
  // `deno task` gives a machine without Node a `node` that is Deno.
  if (!version?.startsWith("v")) return undefined;
  // Not every Node takes TypeScript.
  for (const script of NODE_SCRIPTS) {
    const output = `${directory}/${script}.mjs`;
    await output_of(Deno.execPath(), ["transpile", "-o", output, `${SERVERS}/${script}.ts`]);
  }
  return { version: `Node ${version.trim().slice(1)}`, command: ["node"], directory };
}

async function find_go(directory: string): Promise<Runtime | undefined> {
  const [, , version] = (await output_of("go", ["version"]))?.split(" ") ?? [];
  if (!version) return undefined;
  await output_of("go", ["build", "-o", `${directory}/`, `${SERVERS}/go_server.go`]);
  return { version: `Go ${version.replace("go", "")}`, command: [], directory };
}

/** The C compiler, which builds what it can. */
async function find_cc(directory: string): Promise<Runtime | undefined> {
  const version = await output_of("cc", ["-dumpfullversion"]);
  const args = ["-O2", "-pthread", "-o", `${directory}/recvmmsg_udp`, `${SERVERS}/recvmmsg_udp.c`];
  if (!version || await output_of("cc", args) === undefined) return undefined;
  return { version: `cc ${version.trim()}`, command: [], directory };
}

/** The interpreter itself, as `python3` may be a script that looks for one and takes its time. */
async function find_python(): Promise<Runtime | undefined> {
  const description = await output_of("python3", ["-c", DESCRIBE_PYTHON]);
  const [executable, version] = description?.split("\n") ?? [];
  if (!executable) return undefined;
  return { version: `CPython ${version}`, command: [executable], directory: SERVERS };
}
