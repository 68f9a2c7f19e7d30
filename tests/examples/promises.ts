/** What the heads of examples promise, and what holds besides. */
import { assert, assertEquals, assertMatch } from "@std/assert";

/** What an example prints, as its head says. */
export interface Promised {
  /** `…` stands for anything. */
  lines: string[];
  is_in_order: boolean;
}

/** What the head of an example promises, if it does. */
export function promised_in(text: string): Promised | undefined {
  const found = /^ \* It prints(, [^:]*)?:\n \*\n \* ```text\n(.*?)^ \* ```$/ms.exec(text);
  if (found === null) return undefined;
  const [, how, block] = found;
  const lines = block!.trimEnd().split("\n").map((line) => line.replace(/^ \* /, ""));
  return { lines, is_in_order: how !== ", in any order" };
}

/** Compares what was printed with what was promised. */
export function assert_kept({ lines: promised, is_in_order }: Promised, printed: string[]): void {
  const left = [...promised];
  const named = printed.map((line) => {
    const at = is_in_order ? 0 : left.findIndex((promise) => is_kept(promise, line));
    if (!is_kept(left[at], line)) return line;
    return left.splice(at, 1)[0]!;
  });
  if (is_in_order) assertEquals(named, promised);
  else assertEquals(named.toSorted(), promised.toSorted());
}

function is_kept(promise: string | undefined, line: string): boolean {
  if (promise === undefined) return false;
  return new RegExp(`^${promise.split("…").map(RegExp.escape).join(".+")}$`).test(line);
}

/** What in its head an example cannot say. */
export const CHECKS: Record<string, (lines: string[]) => void> = {
  "futures/results.ts"(lines) {
    assertMatch(lines.at(-1)!, /^0: TimeoutError/);
  },
  "multiprocessing/callbacks.ts"(lines) {
    assertEquals(lines.at(-1), "Together 92");
  },
  "multiprocessing/five_tasks.ts"(lines) {
    assertEquals([lines.at(-1), lines.length], ["All is done", 13]);
    const processes = new Set(found(lines, /^Task \w+ runs in process (\d+)$/));
    const [own] = found(lines, /^The program is process (\d+)$/);
    assert(processes.size <= 4 && !processes.has(own!), `${[...processes]}`);
  },
  "multiprocessing/parent_and_child.ts"(lines) {
    const [parent, child, end] = lines.map((line) => found([line], /(\d+)/)[0]!);
    assertMatch(lines[1]!, new RegExp(` child of ${parent} `));
    assert(child !== parent && lines[2]!.startsWith(`Process ${child} `), end);
  },
  "multiprocessing/server_processes.ts"(lines) {
    const clients = Map.groupBy(lines.slice(0, -1), (line) => found([line], /process (\d+)/)[0]);
    assert(clients.size <= 2, `${clients.size} processes`);
    for (const own of clients.values()) {
      const numbers = found(own, /client (\d+)/).map(Number).toSorted((one, two) => one - two);
      assertEquals(numbers, own.map((_, at) => at + 1));
    }
  },
  "multiprocessing/sleeping_threads.ts"(lines) {
    assertMatch(lines.at(-1)!, /^7750 ms together/);
  },
  "multiprocessing/writer_and_reader.ts"(lines) {
    assertEquals(lines.slice(-2), ["writer: 0", "reader: -15"]);
    for (const what of ["writes", "reads"]) {
      assertEquals(found(lines, new RegExp(`${what} (\\w)$`)), ["A", "B", "C"]);
      assertEquals(new Set(found(lines, new RegExp(`(\\d+) ${what}`))).size, 1);
    }
  },
  "queue/three_producers.ts"(lines) {
    const eaten = found(lines, /has eaten (\d)/).map(Number);
    assertEquals(eaten.reduce((sum, count) => sum + count), 9);
    assertEquals(lines.indexOf("All is eaten"), lines.length - 4);
  },
  "servers/preforked.ts"(lines) {
    const processes = new Set(found(lines, /of process (\d+)$/));
    assert(processes.size <= 2, `${[...processes]}`);
  },
  "threading/toilets.ts"(lines) {
    let taken = 0;
    for (const line of lines) {
      taken += line.includes("goes in") ? 1 : -1;
      assertEquals(Number(found([line], /(\d)/)[0]), taken);
      assert(taken <= 3, line);
    }
  },
  "threading/waiting_for_redis.ts"(lines) {
    assertEquals(lines[0], "redis: ready to accept connections");
  },
  "forking_server.ts"(lines) {
    const processes = new Set(found(lines, /process (\d+)/));
    assert(processes.size <= 2, `${[...processes]}`);
  },
};

/** What the first group matches, in each line that does. */
function found(lines: string[], words: RegExp): string[] {
  return lines.flatMap((line) => words.exec(line)?.[1] ?? []);
}
