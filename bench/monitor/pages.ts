/**
 * What open pages cost the requests of a server: how long these take while 200 pages of its monitor are opened and
 * cut, again and again, and while that happens to another program, so that the machine has as much to do. Rounds of
 * both take turns.
 *
 * ```sh
 * deno task bench:monitor
 * ```
 *
 * @module
 */
import { AsyncTCPServer, StreamRequestHandler } from "@socketserver/socketserver";
import { Monitor } from "@socketserver/socketserver/monitor";
import { first_line } from "../first_line.ts";
import { markdown_table } from "../markdown_table.ts";
import { median } from "../median.ts";

const PAGES = 200;
const ROUNDS = 5;
/** How long a round is, in ms. */
const ROUND = 5000;
/** How many clients ask, and how long each pauses in between, in ms. */
const CLIENTS = 20;
const PAUSE = 20;

class EchoHandler extends StreamRequestHandler {
  override async handle(): Promise<void> {
    for await (const line of this.rfile) await this.wfile.write(line);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** What part of the requests took no longer than what is given, in ms. */
interface Durations {
  p50: number;
  p99: number;
}

/** The clients: they ask for the time of a round, and print how long answers took. */
async function ask(port: number): Promise<void> {
  const durations: number[] = [];
  const end = performance.now() + ROUND;
  const client = async () => {
    using conn = await Deno.connect({ hostname: "127.0.0.1", port });
    const [line, read] = [new TextEncoder().encode("hello\n"), new Uint8Array(100)];
    while (performance.now() < end) {
      const start = performance.now();
      await conn.write(line);
      await conn.read(read);
      durations.push(performance.now() - start);
      await pause(PAUSE);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  durations.sort((one, other) => one - other);
  const part = (part: number) => durations[Math.floor(durations.length * part)]!;
  console.log(JSON.stringify({ p50: part(0.5), p99: part(0.99) } satisfies Durations));
}

/** The pages: each is opened, has its first numbers, and is cut within a second or two. */
async function open_pages(port: number): Promise<void> {
  const request = new TextEncoder().encode("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const page = async () => {
    for (;;) {
      using conn = await Deno.connect({ hostname: "127.0.0.1", port });
      await conn.write(request);
      await conn.read(new Uint8Array(16_384));
      await pause(500 + 1500 * Math.random());
    }
  };
  await Promise.all(Array.from({ length: PAGES }, page));
}

/** Another program with a monitor, which tells its port. */
async function be_another(): Promise<void> {
  await using server = new AsyncTCPServer(["127.0.0.1", 0], EchoHandler);
  await using monitor = new Monitor(server);
  console.log(monitor.address.port);
  await server.serve_forever();
}

/** Starts this file again, as something else. */
function start(what: string, port = 0): Deno.ChildProcess {
  const args = ["run", "--allow-net=127.0.0.1", import.meta.filename!, what, `${port}`];
  return new Deno.Command(Deno.execPath(), { args, stdout: "piped" }).spawn();
}

async function round(port: number, port_of_pages: number): Promise<Durations> {
  const pages = start("pages", port_of_pages);
  await pause(3000);
  const { stdout } = await start("ask", port).output();
  pages.kill();
  await pages.output();
  return JSON.parse(new TextDecoder().decode(stdout));
}

async function compare(): Promise<void> {
  await using server = new AsyncTCPServer(["127.0.0.1", 0], EchoHandler);
  await using monitor = new Monitor(server);
  const { port } = server.server_address;
  const serving = server.serve_forever();
  const another = start("another");
  const elsewhere = Number(await first_line(another.stdout));
  const rounds: Record<"elsewhere" | "here", Durations[]> = { elsewhere: [], here: [] };
  for (let number = 0; number < ROUNDS; number++) {
    rounds.elsewhere.push(await round(port, elsewhere));
    rounds.here.push(await round(port, monitor.address.port));
  }
  another.kill();
  await another.status;
  await server.shutdown();
  await serving;
  const row = (name: string, of: Durations[]) => [
    name,
    `${median(of.map(({ p50 }) => p50)).toFixed(2)} ms`,
    `${median(of.map(({ p99 }) => p99)).toFixed(2)} ms`,
  ];
  const columns = [
    { heading: `${PAGES} pages, opened and cut`, numeric: false },
    { heading: "median", numeric: true },
    { heading: "p99", numeric: true },
  ];
  console.log(markdown_table(columns, [
    row("of another program", rounds.elsewhere),
    row("of the server's own monitor", rounds.here),
  ]));
}

const [what, port] = Deno.args;
if (what === "ask") await ask(Number(port));
else if (what === "pages") await open_pages(Number(port));
else if (what === "another") await be_another();
else await compare();
