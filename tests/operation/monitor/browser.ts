import { type Browser, chromium, type Page } from "playwright-core";
import { soon, until } from "../../fixtures/tools/waiting.ts";

/** Where browsers are that the tests can use. */
const PATHS = ["/usr/bin/chromium", "/usr/bin/google-chrome"];

const executablePath = PATHS.find((path) => {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
});

/** Whether a test that needs a browser is skipped. */
export const NO_BROWSER = executablePath === undefined;

/** Starts a browser. */
export async function start_browser(): Promise<Browser & AsyncDisposable> {
  return await soon(chromium.launch({ executablePath: executablePath!, args: ["--no-sandbox"] }));
}

/** A page in a browser, and what it complained of. */
export class BrowserPage implements AsyncDisposable {
  readonly page: Page;
  /** What is in its console, and what its scripts threw. */
  readonly complaints: string[] = [];

  private constructor(page: Page) {
    this.page = page;
    page.on("console", (message) => this.complaints.push(message.text()));
    page.on("pageerror", (error) => this.complaints.push(error.message));
  }

  static async open(
    browser: Browser,
    url: string,
    options: { width?: number; colorScheme?: "light" | "dark" } = {},
  ): Promise<BrowserPage> {
    const { width = 1280, colorScheme = "light" } = options;
    const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme });
    const opened = new BrowserPage(page);
    await page.goto(url);
    await opened.until('document.body.dataset.state === "live"');
    return opened;
  }

  /** Waits until an expression is so, there. */
  async until(expression: string): Promise<void> {
    // Not waitForFunction(): the page allows no eval().
    await until(async () => await this.value(expression) === true);
  }

  /** What an expression gives, there. */
  async value(expression: string): Promise<unknown> {
    return await soon(this.page.evaluate(expression));
  }

  /** The text of an element. */
  async text(selector: string): Promise<string> {
    return (await soon(this.page.locator(selector).first().innerText())).trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await soon(this.page.close());
  }
}
