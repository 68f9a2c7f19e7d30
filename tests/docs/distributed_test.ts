/** The programs of docs/distributed.md: a master and a worker, servers behind HAProxy. */
import { assertEquals, assertMatch } from "@std/assert";
import { line_or_end, LineClient } from "../fixtures/clients/clients.ts";
import { is_there as is_installed, Program } from "../fixtures/programs/programs.ts";
import { TempFolder } from "../fixtures/tools/temp_folder.ts";
import { is_pending, soon, until } from "../fixtures/tools/waiting.ts";
import { blocks_of, CONFIG, name_of, ROOT } from "./blocks.ts";

/** A port that is free. */
function free_port(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Whether somebody listens there. */
async function is_there(port: number): Promise<boolean> {
  try {
    using _conn = await Deno.connect({ hostname: "127.0.0.1", port });
    return true;
  } catch {
    return false;
  }
}

/** A program that has the key. */
class Member extends Program {
  protected override variables(): Record<string, string> {
    return { AUTHKEY: "a secret of the tests" };
  }
}

Deno.test("docs/distributed.md: the worker does what the master has", async () => {
  await using folder = await TempFolder.make();
  const port = free_port();
  for (const { info, code } of blocks_of("docs/distributed.md")) {
    if (info !== "ts ignore") continue;
    const here = code.replace(/\["[^"]+", 5000\]/, `["127.0.0.1", ${port}]`);
    await Deno.writeTextFile(folder.join(name_of(code)!), here);
  }
  const start = (name: string) => {
    const read = `--allow-read=${ROOT},${folder.path}`;
    const flags = ["--no-prompt", "--allow-net=127.0.0.1", "--allow-env=AUTHKEY", read];
    return new Member("run", ...CONFIG, ...flags, folder.join(name));
  };
  await using master = start("master.ts");
  await until(() => is_there(port));
  await using worker = start("worker.ts");
  for (let number = 1; number <= 100; number++) {
    assertEquals(await master.line(), `${number} squared is ${number ** 2}`);
  }
  assertEquals((await master.status()).code, 0);
  // It waits for more, and hears that there is no master.
  assertEquals((await worker.status()).code, 1);
});

/** HAProxy with the settings of the page, and the servers that it knows. */
class Proxied implements AsyncDisposable {
  readonly address: Deno.NetAddr = { transport: "tcp", hostname: "127.0.0.1", port: free_port() };
  readonly ports: [one: number, two: number] = [free_port(), free_port()];
  #folder: TempFolder;
  #haproxy: Deno.ChildProcess;

  constructor(folder: TempFolder) {
    this.#folder = folder;
    this.#write("server.ts", (code) => code.replace("0.0.0.0", "127.0.0.1"));
    const path = this.#write(
      "haproxy.cfg",
      (code) =>
        code.replace("0.0.0.0:8000", `127.0.0.1:${this.address.port}`)
          .replace("192.0.2.1:9000", `127.0.0.1:${this.ports[0]}`)
          .replace("192.0.2.2:9000", `127.0.0.1:${this.ports[1]}`),
    );
    const args = ["-db", "-q", "-f", path];
    this.#haproxy = new Deno.Command("haproxy", { args, stdout: "null", stderr: "null" }).spawn();
  }

  /** Writes a block of the page to its file; gives the path. */
  #write(name: string, here: (code: string) => string): string {
    const { code } = blocks_of("docs/distributed.md").find(({ code }) => name_of(code) === name)!;
    const path = this.#folder.join(name);
    Deno.writeTextFileSync(path, here(code));
    return path;
  }

  /** Starts the server of a port. */
  async serve(port: number): Promise<Program> {
    const read = `--allow-read=${ROOT},${this.#folder.path}`;
    const path = this.#folder.join("server.ts");
    const flags = ["--no-prompt", "--allow-net=127.0.0.1", read];
    const program = new Program("run", ...CONFIG, ...flags, path, String(port));
    await until(() => is_there(port));
    return program;
  }

  /** One more client. */
  connect(): Promise<LineClient> {
    return LineClient.connect(this.address);
  }

  /** Which servers answer so many new clients. */
  async answering(count: number): Promise<Set<number>> {
    const pids = new Set<number>();
    for (let at = 0; at < count; at++) {
      using client = await this.connect();
      pids.add(await pid_of(client));
    }
    return pids;
  }

  /** Whether a new client gets no answer for a while. */
  async hangs(): Promise<boolean> {
    using client = await this.connect();
    return await is_pending(client.ask("Ann"), 500);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#haproxy.kill("SIGKILL");
    await soon(this.#haproxy.status);
  }
}

/** Which server answers a client. */
async function pid_of(client: LineClient): Promise<number> {
  const line = await client.ask("Ann") ?? "";
  assertMatch(line, /^\d+ says hello to Ann$/);
  return parseInt(line);
}

Deno.test("docs/distributed.md: two servers behind HAProxy, one of which is killed", {
  ignore: !is_installed("haproxy"),
}, async () => {
  await using folder = await TempFolder.make();
  await using proxied = new Proxied(folder);
  const [first, second] = proxied.ports;
  await using one = await proxied.serve(first);
  await using two = await proxied.serve(second);
  const both = new Set([one.child.pid, two.child.pid]);
  // Who comes before HAProxy has found a server has no answer.
  await until(() => proxied.answering(4).then((pids) => pids.size === 2, () => false));
  assertEquals(await proxied.answering(4), both);

  const clients = [await proxied.connect(), await proxied.connect()];
  const pids = [await pid_of(clients[0]!), await pid_of(clients[1]!)];
  assertEquals(new Set(pids), both);
  one.child.kill("SIGKILL");
  await one.status();
  // Nobody who comes now hears of it.
  assertEquals(await proxied.answering(10), new Set([two.child.pid]));
  for (const [at, client] of clients.entries()) {
    if (pids[at] === one.child.pid) assertEquals(await line_or_end(client), null);
    else assertEquals(await pid_of(client), two.child.pid);
    client[Symbol.dispose]();
  }
  await using back = await proxied.serve(first);
  await until(async () => (await proxied.answering(2)).has(back.child.pid));

  // One that stands still gets nobody any more, when checks have found out.
  two.child.kill("SIGSTOP");
  await until(async () => !await proxied.hangs() && !await proxied.hangs());
  two.child.kill("SIGCONT");
  two.child.kill("SIGTERM");
  await two.ends_well();
  assertEquals(await proxied.answering(4), new Set([back.child.pid]));
});
