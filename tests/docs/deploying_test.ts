/** The program, the units and the configurations of docs/deploying.md: as they are, but for ports and paths. */
import { assertEquals } from "@std/assert";
import { ask, LineClient, or_end } from "../fixtures/clients/clients.ts";
import { ending_of, is_there, Program } from "../fixtures/programs/programs.ts";
import { free_address } from "../fixtures/tools/addresses.ts";
import { TempFolder } from "../fixtures/tools/temp_folder.ts";
import { soon, until } from "../fixtures/tools/waiting.ts";
import { AsyncTCPServer, StreamRequestHandler } from "../../mod.ts";
import { Monitor } from "../../operation/monitor/mod.ts";
import { blocks_of, CONFIG } from "./blocks.ts";

const BLOCKS = blocks_of("docs/deploying.md");

/** The block whose first line names it, or that has a text in it. */
function block(text: string): string {
  return BLOCKS.find(({ code }) => code.includes(text))!.code;
}

/** The flags with which the page starts the program. */
const FLAGS = ["--no-prompt", "--allow-env=LISTEN_FDS,LISTEN_PID,LISTEN_FDNAMES"];

async function write(folder: TempFolder, name: string, text: string): Promise<string> {
  await Deno.writeTextFile(folder.join(name), text);
  return folder.join(name);
}

/** Starts the program of the page at an address, behind a proxy if one is named. */
async function start(folder: TempFolder, { hostname, port }: Deno.NetAddr, ...proxy: string[]) {
  const path = await write(folder, "server.ts", block("// server.ts"));
  const net = `--allow-net=${hostname}:${port}`;
  return new Program("run", ...CONFIG, ...FLAGS, net, path, hostname, `${port}`, ...proxy);
}

/** Asks, once there is somebody to answer. */
async function is_served({ hostname, port }: Deno.NetAddr): Promise<void> {
  const address: Deno.NetAddr = { transport: "tcp", hostname, port };
  await until(async () => {
    using client = await LineClient.connect(address).catch(() => undefined);
    return await client?.ask("hello").catch(() => null) === "HELLO";
  });
}

async function ends_well(program: Program): Promise<void> {
  program.child.kill("SIGTERM");
  await program.ends_well();
}

Deno.test({
  name: "docs/deploying.md: the program listens by itself",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using folder = await TempFolder.make();
    const address = free_address();
    await using program = await start(folder, address);
    await is_served(address);
    await ends_well(program);
  },
});

/** A program that is no program of Deno's, running in the foreground; ended when the block is left. */
function foreground(program: string, ...args: string[]): AsyncDisposable {
  const child = new Deno.Command(program, { args, stdin: "null", stdout: "null", stderr: "null" })
    .spawn();
  return {
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await soon(child.status);
    },
  };
}

const PROXIES = {
  haproxy: (config: string) => ["-q", "-db", "-f", config],
  nginx: (config: string) => ["-c", config, "-g", "daemon off;"],
};

for (const [name, args] of Object.entries(PROXIES)) {
  Deno.test({
    name: `docs/deploying.md: ${name} in front of the program`,
    ignore: !is_there(name),
    async fn() {
      await using folder = await TempFolder.make();
      const [front, back] = [free_address(), free_address()];
      // What it needs here besides: Debian has the module apart, and no other file is its own.
      const besides = name === "nginx"
        ? `load_module modules/ngx_stream_module.so;\npid ${folder.join("nginx.pid")};\n` +
          "error_log stderr;\n"
        : "";
      const config = block(`# ${name}.c`)
        .replaceAll("127.0.0.1:8000", `${back.hostname}:${back.port}`)
        .replaceAll(/:7000|\b7000/g, `${front.hostname}:${front.port}`);
      const path = await write(folder, `${name}.conf`, besides + config);
      await using program = await start(folder, back, "127.0.0.1");
      await using _proxy = foreground(name, ...args(path));
      await is_served(front);
      await ends_well(program);
    },
  });
}

class UpperHandler extends StreamRequestHandler {
  override async handle(): Promise<void> {
    for await (const line of this.rfile) {
      await this.wfile.write(new TextDecoder().decode(line).toUpperCase());
    }
  }
}

/** Has HAProxy end the connections of a server when its check fails. */
const ENDS_AT_ONCE = "on-marked-down shutdown-sessions";

/** Runs the check of the Dockerfile at a port; gives its exit code. */
async function docker_check(port: number): Promise<number> {
  const [, command] = /CMD (.*)/.exec(block("HEALTHCHECK"))!;
  const [, ...args] = JSON.parse(command!.replace(":8001", `:${port}`)) as string[];
  return (await ending_of(Deno.execPath(), args)).code;
}

Deno.test("docs/deploying.md: the check of the Dockerfile sees that a server is suspended", async () => {
  await using server = new AsyncTCPServer(["127.0.0.1", 0], UpperHandler);
  await using monitor = new Monitor(server, { port: 0 });
  const serving = server.serve_forever();
  assertEquals(await docker_check(monitor.address.port), 0);
  server.suspend();
  assertEquals(await docker_check(monitor.address.port), 1);
  await server.shutdown();
  await serving;
});

Deno.test({
  name: "docs/deploying.md: HAProxy asks for the health, and leaves a suspended server alone",
  ignore: !is_there("haproxy"),
  async fn() {
    await using folder = await TempFolder.make();
    await using server = new AsyncTCPServer(["127.0.0.1", 0], UpperHandler, {
      proxy_protocol: "required",
      trusted_proxies: ["127.0.0.1"],
    });
    await using monitor = new Monitor(server, { port: 0 });
    const serving = server.serve_forever();
    const front = free_address();
    const lines = block("httpchk")
      .replace("port 8001", `port ${monitor.address.port} inter 100 fall 1 ${ENDS_AT_ONCE}`);
    const config = block("# haproxy.cfg")
      .replace(/ *server upper.*\n/, lines)
      .replace("127.0.0.1:8000", `127.0.0.1:${server.server_address.port}`)
      .replace(":7000", `${front.hostname}:${front.port}`);
    const path = await write(folder, "haproxy.cfg", config);
    await using _proxy = foreground("haproxy", ...PROXIES.haproxy(path));
    await is_served(front);
    server.suspend();
    // The system would take it, and it would wait: it ends when the proxy knows.
    assertEquals(await or_end(ask(front, "hello")), null);
    server.resume();
    await is_served(front);
    await server.shutdown();
    await serving;
  },
});

Deno.test({
  name: "docs/deploying.md: systemd-socket-activate starts the program",
  ignore: !is_there("systemd-socket-activate"),
  async fn() {
    await using folder = await TempFolder.make();
    const { hostname, port } = free_address();
    const path = await write(folder, "server.ts", block("// server.ts"));
    const kept = ["HOME", "DENO_DIR"].flatMap((name) => ["-E", name]);
    const deno = [Deno.execPath(), "run", ...CONFIG, ...FLAGS, path];
    const args = ["-l", `${hostname}:${port}`, ...kept, ...deno];
    await using _ = foreground("systemd-socket-activate", ...args);
    await is_served({ transport: "tcp", hostname, port });
  },
});

Deno.test({
  name: "docs/deploying.md: systemd-analyze has nothing to say of the units",
  ignore: !is_there("systemd-analyze"),
  async fn() {
    await using folder = await TempFolder.make();
    const units = ["upper.socket", "upper.service", "plain.service"];
    const paths = await Promise.all(units.map((unit) => {
      // Deno may be elsewhere here.
      const text = block(`# ${unit}`).replaceAll("/usr/local/bin/deno", Deno.execPath());
      return write(folder, unit, text);
    }));
    const { errors } = await ending_of("systemd-analyze", ["verify", "--man=no", ...paths]);
    const own = errors.split("\n").filter((line) => /upper|plain/.test(line));
    assertEquals(own, []);
  },
});

Deno.test({
  name: "docs/deploying.md: kubectl understands the deployment",
  ignore: !is_there("kubectl"),
  async fn() {
    await using folder = await TempFolder.make();
    const path = await write(folder, "upper.yaml", block("# upper.yaml"));
    // Without a cluster.
    const args = ["set", "image", "--local", "--output=name", "-f", path, "upper=newer"];
    const { output, errors } = await ending_of("kubectl", args);
    assertEquals([output, errors], ["deployment.apps/upper\n", ""]);
  },
});
