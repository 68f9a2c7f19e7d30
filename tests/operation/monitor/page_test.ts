/** The page in a real browser. */
import { assertEquals, assertMatch } from "@std/assert";
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
import { ready } from "../../fixtures/servers/ready.ts";
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

Deno.test({
  name: "The page shows live what servers with workers, pools and queues are doing",
  ignore: NO_BROWSER,
  async fn(test) {
    await using threads = serving(
      new QuietThreads(["127.0.0.1", 0], FaultHandler, {
        max_workers: 2,
        max_requests_per_worker: 5,
        max_requests: 8,
      }),
    );
    await using children = serving(
      new ForkingTCPServer(["127.0.0.1", 0], UpperHandler, { max_children: 3 }),
    );
    await using executor = new ThreadPoolExecutor(1, { module: TASKS });
    const queue = new Queue<string>(2);
    await Promise.all([ready(threads), ready(children)]);
    await using monitor = new Monitor([threads, children, executor, queue]);
    await using browser = await start_browser();

    for (const [width, colorScheme] of [[1280, "light"], [360, "dark"]] as const) {
      await test.step(`at ${width} pixels, ${colorScheme}`, async () => {
        await using shown = await BrowserPage.open(browser, url_of(monitor), {
          width,
          colorScheme,
        });
        using client = await LineClient.connect(threads.server_address as Deno.NetAddr);
        await client.ask("hello");
        await shown.until(`${gauge(".server", 1, "now")} === "1"`);
        assertEquals(await shown.value(gauge(".server", 1, "limit")), "8");
        assertEquals(await shown.text(".server h2"), "QuietThreads");
        await queue.put("one");
        await shown.until(`${gauge(".queue", 1, "now")} === "1"`);
        await queue.get();
        assertEquals(await executor.submit(double, 4), 8);
        await shown.until("document.querySelector('.executor tbody').children.length === 1");

        // Nobody must scroll sideways, whatever is shown.
        assertEquals(await shown.value("document.documentElement.scrollWidth"), width);
        assertEquals(
          await shown.value("document.querySelectorAll('.server tbody')[0].children.length"),
          2,
        );
        assertEquals(shown.complaints, []);
      });
    }

    await test.step("a worker that dies, and the error for which it did", async () => {
      await using shown = await BrowserPage.open(browser, url_of(monitor), { width: 360 });
      using client = await LineClient.connect(threads.server_address as Deno.NetAddr);
      await client.send("!throws in a timer");
      assertEquals(await line_or_end(client), null);
      await shown.until("document.querySelector('#errors').textContent.includes('worker died')");
      await shown.until(
        "document.querySelector('#errors').textContent.includes('thrown in a timer')",
      );
      await shown.until(
        "[...document.querySelectorAll('.server td:last-child')].some((cell) => cell.textContent === '1')",
      );
      assertEquals(await shown.value("document.documentElement.scrollWidth"), 360);
    });

    await test.step("without a mouse", async () => {
      await using shown = await BrowserPage.open(browser, url_of(monitor));
      const { page } = shown;
      const focused = () => shown.value("document.activeElement.textContent.trim()");
      const order: unknown[] = [];
      for (let stops = 0; stops < 8; stops++) {
        await page.keyboard.press("Tab");
        order.push(await focused());
      }
      assertEquals(order.slice(0, 2), ["Skip to the numbers", "Pause"]);
      assertMatch(String(order[2]), /^Workers: \d of 2 ready$/);
      assertEquals(order.slice(-3), ["JSON", "Prometheus", "Health"]);
      // Whoever cannot see a mouse must see where the focus is.
      const outline = await shown.value("getComputedStyle(document.activeElement).outlineStyle");
      assertEquals(outline, "solid");
      await page.locator("#pause").focus();
      await page.keyboard.press("Enter");
      assertEquals(await shown.text("#status"), "Paused");
      await shown.until(
        "/last update [2-9] s ago/.test(document.querySelector('#age').textContent)",
      );
      await page.keyboard.press("Space");
      await shown.until("document.body.dataset.state === 'live'");
      // A list of workers that is closed stays so.
      await page.locator("summary").first().focus();
      await page.keyboard.press("Enter");
      await shown.until("!document.querySelector('details').open");
      await ask(children.server_address as Deno.NetAddr, "hello");
      await shown.until("document.querySelectorAll('.legend dd')[4].textContent !== '0'");
      assertEquals(await shown.value("document.querySelector('details').open"), false);
    });

    await test.step("for a screen reader", async () => {
      await using shown = await BrowserPage.open(browser, url_of(monitor));
      const { page } = shown;
      for (const role of ["banner", "main", "contentinfo", "navigation"] as const) {
        assertEquals(await page.getByRole(role).count(), 1, role);
      }
      const headers = page.getByRole("columnheader", { includeHidden: false });
      assertEquals((await headers.allInnerTexts()).slice(0, 3), ["Worker", "State", "Load"]);
      assertEquals(
        await page.getByRole("rowheader").count(),
        await shown.value(
          "document.querySelectorAll('.workers tbody tr').length",
        ),
      );
      // Only that it is live is read out, and not each number.
      assertEquals(await page.getByRole("status").allInnerTexts(), ["Live"]);
      assertEquals(await page.locator("[aria-live]").count(), 0);
    });
  },
});

Deno.test({
  name: "The page says that the server is held up, and then that it has stopped",
  ignore: NO_BROWSER,
  async fn() {
    const computing = serving(new AsyncTCPServer(["127.0.0.1", 0], ComputingHandler));
    await using monitor = new Monitor(computing);
    await using browser = await start_browser();
    await using shown = await BrowserPage.open(browser, url_of(monitor));
    await shown.value(`{
      globalThis.said = [];
      new MutationObserver(() => said.push(document.querySelector(".status").innerText))
        .observe(document.querySelector(".status"), { subtree: true, childList: true });
    }`);
    assertEquals(await ask(computing.server_address, "4500"), "done");
    await shown.until("said.length > 1 && document.body.dataset.state === 'live'");
    const said = await shown.value("said.join('|').replace(/\\s+/g, ' ')");
    assertMatch(String(said), /Held up last update [34] s ago/);
    assertEquals(shown.complaints, []);
    await soon(computing[Symbol.asyncDispose]());
    await shown.until("document.body.dataset.state === 'over'");
    assertEquals(await shown.text("#status"), "Stopped");
  },
});

Deno.test({
  name: "The page opens with its token, and goes on with the cookie",
  ignore: NO_BROWSER,
  async fn() {
    await using monitor = new Monitor(new Queue(), { token: "s3cret" });
    await using browser = await start_browser();
    await using shown = await BrowserPage.open(browser, url_of(monitor, "/?token=s3cret"));
    assertEquals(shown.page.url(), url_of(monitor));
    await shown.page.reload();
    await shown.until("document.body.dataset.state === 'live'");
    assertEquals(shown.complaints, []);
  },
});
