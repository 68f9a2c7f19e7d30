/**
 * Two pages are fetched at once, each in a thread of its own. They come from a small server of this program.
 *
 * ```sh
 * deno run --allow-net=127.0.0.1 --allow-read=. examples/futures/two_pages.ts
 * ```
 *
 * It prints:
 *
 * ```text
 * The short page has 100 letters, the long one 20000
 * ```
 *
 * @module
 */
import { ThreadPoolExecutor } from "../../concurrency/futures/mod.ts";

/** Runs in a worker: that is why it is exported. */
export async function page_size(url: string): Promise<number> {
  const response = await fetch(url);
  return (await response.text()).length;
}

/** Pages that are as long as their paths say. */
function serve_page({ url }: Request): Response {
  return new Response("x".repeat(Number(new URL(url).pathname.slice(1))));
}

if (import.meta.main) {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    serve_page,
  );
  await using executor = new ThreadPoolExecutor(2);
  const start = `http://127.0.0.1:${server.addr.port}`;
  const [short, long] = [`${start}/100`, `${start}/20000`].map((url) =>
    executor.submit(page_size, url)
  );
  console.log(`The short page has ${await short} letters, the long one ${await long}`);
}
