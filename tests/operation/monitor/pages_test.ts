import { assertEquals } from "@std/assert";
import { Pages } from "../../../operation/monitor/pages.ts";
import { soon } from "../../fixtures/tools/waiting.ts";

/** Reads what a page is told. */
async function next(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string | undefined> {
  const { value } = await soon(reader.read());
  return value && new TextDecoder().decode(value);
}

function fail(error: unknown): void {
  throw error;
}

Deno.test("A page is told at once, and then once a second, and the timer ends with the last page", async () => {
  let asked = 0;
  const pages = new Pages(() => ({ number: ++asked }), fail);
  const [one, other] = [pages.open()!.getReader(), pages.open()!.getReader()];
  assertEquals(await next(one), 'retry: 2000\ndata: {"number":1}\n\n');
  assertEquals(await next(other), 'retry: 2000\ndata: {"number":2}\n\n');
  // Both hear the same.
  assertEquals(await next(one), 'data: {"number":3}\n\n');
  assertEquals(await next(other), 'data: {"number":3}\n\n');
  // A timer that goes on fails the test.
  await one.cancel();
  await other.cancel();
});

Deno.test("A page that does not read is told no more than fits", async () => {
  let asked = 0;
  const pages = new Pages(() => ({ number: ++asked }), fail);
  const slow = pages.open()!.getReader();
  const quick = pages.open()!.getReader();
  for (let number = 2; number <= 4; number++) {
    assertEquals(
      await next(quick),
      `${number === 2 ? "retry: 2000\n" : ""}data: {"number":${number}}\n\n`,
    );
  }
  assertEquals(await next(slow), 'retry: 2000\ndata: {"number":1}\n\n');
  // The second and the third were left out.
  assertEquals(await next(slow), 'data: {"number":5}\n\n');
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

Deno.test("There are at most 1000 pages", () => {
  const pages = new Pages(() => ({}), fail);
  const open = Array.from({ length: 1001 }, () => pages.open());
  assertEquals(open.map((stream) => stream !== undefined).indexOf(false), 1000);
  pages.close();
});
