import { assertEquals } from "@std/assert";
import { Pages } from "../../../operation/monitor/pages.ts";
import { soon } from "../../fixtures/tools/waiting.ts";

/** Reads what a page is told. */
async function next(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string | undefined> {
  const { value } = await soon(reader.read());
  return value && new TextDecoder().decode(value);
}

/** What pages are told. */
function told(number: number): string {
  return `retry: 2000\ndata: {"number":${number}}\n\n`;
}

function fail(error: unknown): void {
  throw error;
}

Deno.test("A page is told at once, and then once a second, and the timer ends with the last page", async () => {
  let asked = 0;
  const pages = new Pages(() => ({ number: ++asked }), fail);
  const [one, other] = [pages.open()!.getReader(), pages.open()!.getReader()];
  for (const number of [1, 2]) {
    for (const page of [one, other]) assertEquals(await next(page), told(number));
  }
  // A timer that goes on fails the test.
  await one.cancel();
  await other.cancel();
});

Deno.test("A page that does not read is told no more than fits", async () => {
  let asked = 0;
  const pages = new Pages(() => ({ number: ++asked }), fail);
  const slow = pages.open()!.getReader();
  const quick = pages.open()!.getReader();
  for (const number of [1, 2, 3]) assertEquals(await next(quick), told(number));
  assertEquals(await next(slow), told(1));
  // The second and the third were left out.
  assertEquals(await next(slow), told(4));
  pages.close();
});

Deno.test("At the end pages are told so, and none can be opened", async () => {
  const pages = new Pages(() => ({}), fail);
  const reader = pages.open()!.getReader();
  await next(reader);
  pages.close();
  assertEquals(await next(reader), "event: bye\ndata:\n\n");
  assertEquals(await next(reader), undefined);
  assertEquals(pages.open(), undefined);
});

Deno.test("Many pages are all told, a few in each turn", async () => {
  let asked = 0;
  const pages = new Pages(() => ({ number: ++asked }), fail);
  const readers = Array.from({ length: 35 }, () => pages.open()!.getReader());
  for (const number of [1, 2]) {
    for (const reader of readers) assertEquals(await next(reader), told(number));
  }
  pages.close();
});

Deno.test("There are at most 1000 pages", () => {
  const pages = new Pages(() => ({}), fail);
  const open = Array.from({ length: 1001 }, () => pages.open());
  assertEquals(open.map((stream) => stream !== undefined).indexOf(false), 1000);
  pages.close();
});
