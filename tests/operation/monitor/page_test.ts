/** The page in a real browser. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Browser } from "playwright-core";
import { ThreadPoolExecutor } from "../../../concurrency/futures/mod.ts";
import { Queue } from "../../../concurrency/queue/mod.ts";
import {
  AsyncTCPServer,
  ForkingTCPServer,
  StreamRequestHandler,
  ThreadingTCPServer,
} from "../../../mod.ts";
import { Monitor } from "../../../operation/monitor/mod.ts";
import { ask, line_or_end, LineClient } from "../../fixtures/clients/clients.ts";
import { FaultHandler } from "../../fixtures/handlers/fault_handlers.ts";
import { UpperHandler } from "../../fixtures/handlers/handlers.ts";
import { serving } from "../../fixtures/servers/serving.ts";
import { double } from "../../fixtures/tasks/tasks.ts";
import { soon } from "../../fixtures/tools/waiting.ts";
import { BrowserPage, NO_BROWSER, start_browser } from "./browser.ts";
import { url_of } from "./monitoring.ts";

const TASKS = new URL("../../fixtures/tasks/tasks.ts", import.meta.url).href;

/** What a gauge says, as an expression for the browser. */
function gauge(card: string, number: number, part: string): string {
  return `document.querySelector(${
    JSON.stringify(`${card} .gauge:nth-child(${number}) .${part} dd`)
  }).textContent`;
}

class QuietThreads extends ThreadingTCPServer {
  override handle_error(): void {}
}

/** Holds up the event loop, as a handler that computes does. */
class ComputingHandler extends StreamRequestHandler {
  override async handle(): Promise<void> {
    const ms = Number(new TextDecoder().decode(await this.rfile.readline()));
    const start = performance.now();
    while (performance.now() - start < ms);
    await this.wfile.write("done\n");
  }
}

/** A monitor of servers with workers, a pool and a queue. */
class Watched implements AsyncDisposable {
  readonly threads = serving(
    new QuietThreads(["127.0.0.1", 0], FaultHandler, {
      max_workers: 1,
      max_requests_per_worker: 5,
      max_requests: 8,
    }),
  );
  readonly children = serving(
    new ForkingTCPServer(["127.0.0.1", 0], UpperHandler, { max_children: 1 }),
  );
  readonly executor = new ThreadPoolExecutor(1, { module: TASKS });
  readonly queue = new Queue<string>(2);
  readonly monitor = new Monitor([this.threads, this.children, this.executor, this.queue]);

  async [Symbol.asyncDispose](): Promise<void> {
    await this.monitor.close();
    await Promise.all([
      this.threads[Symbol.asyncDispose](),
      this.children[Symbol.asyncDispose](),
      this.executor.shutdown(),
    ]);
  }
}

async function shows_numbers(
  browser: Browser,
  { threads, executor, queue, monitor }: Watched,
  shape: { width: number; colorScheme: "light" | "dark" },
): Promise<void> {
  await using shown = await BrowserPage.open(browser, url_of(monitor), shape);
  using client = await LineClient.connect(threads.server_address as Deno.NetAddr);
  await client.ask("hello");
  await queue.put("one");
  assertEquals(await executor.submit(double, 4), 8);
  await shown.until(`${gauge(".server", 1, "now")} === "1"`);
  await shown.until(`${gauge(".queue", 1, "now")} === "1"`);
  await shown.until("document.querySelector('.executor tbody').children.length === 1");
  await queue.get();
  assertEquals(await shown.value(gauge(".server", 1, "limit")), "5");
  assertEquals(await shown.text(".server h2"), "QuietThreads");
  await shown.until("document.querySelectorAll('.server tbody tr').length === 2");
  assertEquals(await shown.value("document.documentElement.scrollWidth"), shape.width);
  assertEquals(shown.complaints, []);
}

async function shows_death(browser: Browser, { threads, monitor }: Watched): Promise<void> {
  await using shown = await BrowserPage.open(browser, url_of(monitor), { width: 360 });
  using client = await LineClient.connect(threads.server_address as Deno.NetAddr);
  await client.send("!throws in a timer");
  assertEquals(await line_or_end(client), null);
  await shown.until("document.querySelector('#errors').textContent.includes('worker died')");
  await shown.until("document.querySelector('#errors').textContent.includes('thrown in a timer')");
  await shown.until("document.querySelector('.server td:last-child').textContent === '1'");
  assertEquals(await shown.value("document.documentElement.scrollWidth"), 360);
}

async function needs_no_mouse(browser: Browser, { children, monitor }: Watched): Promise<void> {
  await using shown = await BrowserPage.open(browser, url_of(monitor));
  const { page } = shown;
  const order: unknown[] = [];
  for (let stops = 0; stops < 8; stops++) {
    await page.keyboard.press("Tab");
    order.push(await shown.value("document.activeElement.textContent.trim()"));
  }
  const [skip, pause, workers] = order;
  assertEquals([skip, pause, ...order.slice(-3)], [
    "Skip to the numbers",
    "Pause",
    "JSON",
    "Prometheus",
    "Health",
  ]);
  assertMatch(String(workers), /^Workers: \d of 1 ready$/);
  // Who has no mouse must see where the focus is.
  assertEquals(
    await shown.value("getComputedStyle(document.activeElement).outlineStyle"),
    "solid",
  );
  await page.locator("#pause").focus();
  await page.keyboard.press("Enter");
  assertEquals(await shown.text("#status"), "Paused");
  await shown.until("/last update [1-9] s ago/.test(document.querySelector('#age').textContent)");
  await page.keyboard.press("Space");
  await shown.until("document.body.dataset.state === 'live'");
  // A list of workers that is closed stays so.
  await page.locator("summary").first().focus();
  await page.keyboard.press("Enter");
  await shown.until("!document.querySelector('details').open");
  await ask(children.server_address as Deno.NetAddr, "hello");
  await shown.until(
    "document.querySelectorAll('.server')[1].querySelector('dl.legend dd').textContent === '1'",
  );
  assertEquals(await shown.value("document.querySelector('details').open"), false);
}

async function can_be_read_out(browser: Browser, { monitor }: Watched): Promise<void> {
  await using shown = await BrowserPage.open(browser, url_of(monitor));
  const { page } = shown;
  for (const role of ["banner", "main", "contentinfo", "navigation"] as const) {
    assertEquals(await page.getByRole(role).count(), 1, role);
  }
  const headers = await page.getByRole("columnheader").allInnerTexts();
  assertEquals(headers.slice(0, 3), ["Worker", "State", "Load"]);
  assert(await page.getByRole("rowheader").count() > 0);
  // Only that it is live is read out, and not each number.
  assertEquals(await page.getByRole("status").allInnerTexts(), ["Live"]);
  assertEquals(await page.locator("[aria-live]").count(), 0);
}

async function says_how_old_it_is(browser: Browser): Promise<void> {
  const computing = serving(new AsyncTCPServer(["127.0.0.1", 0], ComputingHandler));
  await using monitor = new Monitor(computing);
  await using shown = await BrowserPage.open(browser, url_of(monitor));
  await shown.value(`{
    globalThis.said = [];
    new MutationObserver(() => said.push(document.querySelector(".status").innerText))
      .observe(document.querySelector(".status"), { subtree: true, childList: true });
  }`);
  assertEquals(await ask(computing.server_address, "4000"), "done");
  await shown.until("said.length > 1 && document.body.dataset.state === 'live'");
  const said = await shown.value("said.join('|').replace(/\\s+/g, ' ')");
  assertMatch(String(said), /Held up last update [345] s ago/);
  assertEquals(shown.complaints, []);
  await soon(computing[Symbol.asyncDispose]());
  await shown.until("document.body.dataset.state === 'over'");
  assertEquals(await shown.text("#status"), "Stopped");
}

async function opens_with_its_token(browser: Browser): Promise<void> {
  await using monitor = new Monitor(new Queue(), { token: "s3cret" });
  await using shown = await BrowserPage.open(browser, url_of(monitor, "/?token=s3cret"));
  assertEquals(shown.page.url(), url_of(monitor));
  await shown.page.reload();
  await shown.until("document.body.dataset.state === 'live'");
  assertEquals(shown.complaints, []);
}

Deno.test({
  name: "the page, in a browser",
  ignore: NO_BROWSER,
  async fn(test) {
    await using browser = await start_browser();
    await using watched = new Watched();
    const steps = {
      "is live at 1280 pixels": () =>
        shows_numbers(browser, watched, { width: 1280, colorScheme: "light" }),
      "is live at 360 pixels, without scrolling sideways, in the dark": () =>
        shows_numbers(browser, watched, { width: 360, colorScheme: "dark" }),
      "shows a worker that died, and why": () => shows_death(browser, watched),
      "needs no mouse": () => needs_no_mouse(browser, watched),
      "can be read out": () => can_be_read_out(browser, watched),
      "says that its numbers are old, and that the server has stopped": () =>
        says_how_old_it_is(browser),
      "opens with its token, and goes on with the cookie": () => opens_with_its_token(browser),
    };
    for (const [name, step] of Object.entries(steps)) await test.step(name, step);
  },
});
