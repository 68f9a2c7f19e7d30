/**
 * Some servers, pools and a queue under load, and the page that shows them.
 *
 * ```sh
 * deno task picture          # makes docs/images/monitor.png, with Debian's chromium
 * deno run -A bench/monitor/picture.ts   # shows the page until Ctrl-C
 * ```
 *
 * @module
 */
import { chromium } from "playwright-core";
import {
  AsyncTCPServer,
  ForkingTCPServer,
  StreamRequestHandler,
  ThreadingTCPServer,
} from "@socketserver/socketserver";
import { ProcessPoolExecutor, ThreadPoolExecutor } from "@socketserver/socketserver/futures";
import { Monitor } from "@socketserver/socketserver/monitor";
import { Queue } from "@socketserver/socketserver/queue";

/** How long the servers are under load before the picture is taken, in ms. */
const WARM_UP = 62_000;

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Takes as long as most services: mostly little, sometimes much. */
function some_time(): number {
  return 2 - 6 * Math.log(1 - Math.random());
}

/** Answers line by line; now and then it has a fault, or takes its worker with it. */
export class OrderHandler extends StreamRequestHandler {
  override async handle(): Promise<void> {
    const line = new TextDecoder().decode(await this.rfile.readline()).trim();
    if (line === "nonsense") JSON.parse("{order:");
    if (line === "poison") setTimeout(() => Array.from({ length: -1 }).fill(new Array(-1)));
    await pause(some_time());
    await this.wfile.write(`${line}: taken\n`);
  }
}

export class ReportHandler extends StreamRequestHandler {
  override async handle(): Promise<void> {
    await this.rfile.readline();
    await pause(8 * some_time());
    await this.wfile.write("done\n".repeat(200));
  }
}

export class ChatHandler extends StreamRequestHandler {
  override async handle(): Promise<void> {
    for await (const line of this.rfile) await this.wfile.write(line);
  }
}

/** A task that computes. */
export function thumbnail(size: number): number {
  let sum = 0;
  for (let at = 0; at < size * 20_000; at++) sum += Math.sqrt(at);
  return sum;
}

/** A task that fails for some. */
export function invoice(number: number): number {
  if (number % 97 === 0) throw new RangeError(`There is no order ${number}`);
  return thumbnail(20);
}

/** Connects, says a line and hears the answer, again and again until `signal` aborts. */
async function ask(
  { hostname, port }: Deno.NetAddr,
  line: () => string,
  every: () => number,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      using client = await Deno.connect({ hostname, port });
      await client.write(new TextEncoder().encode(`${line()}\n`));
      await new Response(client.readable).text();
    } catch {
      // It was refused, or its worker died.
    }
    await pause(every());
  }
}

/** A client that stays. */
async function chat({ hostname, port }: Deno.NetAddr, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      using client = await Deno.connect({ hostname, port });
      const read = new Uint8Array(100);
      for (let said = 0; said < 20 && !signal.aborted; said++) {
        await client.write(new TextEncoder().encode("hello\n"));
        if (await client.read(read) === null) break;
        await pause(200 * Math.random());
      }
    } catch {
      // There was no room.
    }
    await pause(500 * Math.random());
  }
}

async function picture(url: string, path: URL): Promise<void> {
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox"],
  });
  const page = await browser.newPage({ viewport: { width: 1120, height: 900 } });
  await page.goto(url);
  await page.waitForFunction('document.body.dataset.state === "live"');
  await page.screenshot({ path: path.pathname });
  await browser.close();
}

if (import.meta.main) {
  const at = ["127.0.0.1", 0] as [string, number];
  const quiet = () => {};
  await using orders = new ThreadingTCPServer(at, OrderHandler, {
    max_workers: 3,
    max_requests_per_worker: 8,
  });
  await using chats = new AsyncTCPServer(at, ChatHandler, { max_requests: 40, overflow: "refuse" });
  await using reports = new ForkingTCPServer(at, ReportHandler, { max_children: 4 });
  for (const server of [orders, chats, reports]) server.handle_error = quiet;
  await using threads = new ThreadPoolExecutor(2, { module: import.meta.url });
  await using processes = new ProcessPoolExecutor(2, { module: import.meta.url });
  const mail = new Queue<number>(100);
  await using monitor = new Monitor([orders, chats, reports, threads, processes, mail], {
    port: Number(Deno.args.find((arg) => /^\d+$/.test(arg)) ?? 0),
  });
  const url = `http://127.0.0.1:${monitor.address.port}/`;
  console.log(url);

  const stop = new AbortController();
  const { signal } = stop;
  Deno.addSignalListener("SIGINT", () => stop.abort());
  const served = [orders, chats, reports].map((server) => server.serve_forever({ signal }));
  const said = () => {
    const dice = Math.random();
    return dice < 0.0004 ? "poison" : dice < 0.003 ? "nonsense" : "order";
  };
  const clients = [
    ...Array.from(
      { length: 24 },
      () => ask(orders.server_address as Deno.NetAddr, said, () => 60 * Math.random(), signal),
    ),
    ...Array.from(
      { length: 6 },
      () =>
        ask(
          reports.server_address as Deno.NetAddr,
          () => "report",
          () => 300 * Math.random(),
          signal,
        ),
    ),
    ...Array.from({ length: 44 }, () => chat(chats.server_address as Deno.NetAddr, signal)),
  ];
  const tasks = async () => {
    for (let number = 1; !signal.aborted; number++) {
      void threads.submit(thumbnail, 10 + 40 * Math.random()).catch(quiet);
      if (number % 4 === 0) void processes.submit(invoice, number).catch(quiet);
      if (number % 3 === 0) void mail.put(number, false).catch(quiet);
      if (number % 5 === 0) void mail.get(false).catch(quiet);
      await pause(20 + 60 * Math.random());
    }
  };
  clients.push(tasks());
  if (Deno.args.includes("--picture")) {
    await pause(WARM_UP);
    await picture(url, new URL("../../docs/images/monitor.png", import.meta.url));
    stop.abort();
  }
  await Promise.all([...served, ...clients]);
}
