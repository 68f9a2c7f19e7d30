/**
 * A server, a pool and a queue under load, and the page that shows them.
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
  StreamRequestHandler,
  type TCPServer,
  ThreadingTCPServer,
} from "@socketserver/socketserver";
import { ThreadPoolExecutor } from "@socketserver/socketserver/futures";
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

/** Answers a line; now and then it has a fault. */
export class OrderHandler extends StreamRequestHandler {
  override async handle(): Promise<void> {
    const line = new TextDecoder().decode(await this.rfile.readline()).trim();
    if (line === "nonsense") JSON.parse("{order:");
    await pause(some_time());
    await this.wfile.write(`${line}: taken\n`);
  }
}

/** A task that computes; for some pictures there is no way, and some take their worker with them. */
export function thumbnail(size: number): number {
  if (size > 995) setTimeout(() => new Array(-1));
  else if (size > 985) throw new RangeError(`Cannot make a picture of ${size.toFixed()} pixels`);
  let sum = 0;
  for (let at = 0; at < size * 1000; at++) sum += Math.sqrt(at);
  return sum;
}

/** Connects, says a line and hears the answer, again and again with pauses of up to so many ms. */
async function ask(
  { server_address: { hostname, port } }: TCPServer,
  line: () => string,
  longest: number,
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
    await pause(longest * Math.random());
  }
}

function times<T>(length: number, make: () => T): T[] {
  return Array.from({ length }, make);
}

async function picture(url: string, path: URL): Promise<void> {
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox"],
  });
  const page = await browser.newPage({ viewport: { width: 1120, height: 1240 } });
  await page.goto(url);
  await page.waitForFunction('document.body.dataset.state === "live"');
  await page.screenshot({ path: path.pathname });
  await browser.close();
}

if (import.meta.main) {
  const at: [string, number] = ["127.0.0.1", 0];
  const quiet = () => {};
  await using orders = new ThreadingTCPServer(at, OrderHandler, {
    max_workers: 3,
    max_requests_per_worker: 8,
    max_requests: 10,
    overflow: "refuse",
  });
  orders.handle_error = quiet;
  await using thumbnails = new ThreadPoolExecutor(2, { module: import.meta.url });
  const mail = new Queue<number>(100);
  await using monitor = new Monitor({ orders, thumbnails, mail }, {
    port: Number(Deno.args.find((arg) => /^\d+$/.test(arg)) ?? 0),
  });
  const url = `http://127.0.0.1:${monitor.address.port}/`;
  console.log(url);

  const stop = new AbortController();
  const { signal } = stop;
  Deno.addSignalListener("SIGINT", () => stop.abort());
  const serving = orders.serve_forever({ signal });
  // Workers that start take all there is of a small machine.
  while (!orders.info().workers?.some(({ state }) => state === "ready")) await pause(100);
  const work = async () => {
    for (let number = 1; !signal.aborted; number++) {
      void thumbnails.submit(thumbnail, 1000 * Math.random()).catch(quiet);
      if (number % 3 === 0) void mail.put(number, false).catch(quiet);
      if (number % 5 === 0) void mail.get(false).catch(quiet);
      await pause(120 * Math.random());
    }
  };
  const clients = [
    ...times(12, () => ask(orders, () => Math.random() < 0.002 ? "nonsense" : "order", 60, signal)),
    work(),
  ];
  if (Deno.args.includes("--picture")) {
    await pause(WARM_UP);
    await picture(url, new URL("../../docs/images/monitor.png", import.meta.url));
    stop.abort();
  }
  await Promise.all([serving, ...clients]);
}
