import { assertEquals } from "@std/assert";
import { Chain, type Link } from "../../../internal/runtime/chain.ts";

class Numbered implements Link {
  before: this | undefined;
  after: this | undefined;
  readonly number: number;

  constructor(number: number) {
    this.number = number;
  }
}

function numbers(chain: Chain<Numbered>): number[] {
  return [...chain].map(({ number }) => number);
}

Deno.test("Chain has what was added and not deleted, in order, wherever that stood", () => {
  const chain = new Chain<Numbered>();
  const links = [0, 1, 2, 3].map((number) => new Numbered(number));
  links.forEach((link) => chain.add(link));
  for (const [deleted, left] of [[3, [0, 1, 2]], [1, [0, 2]], [0, [2]], [2, []]] as const) {
    chain.delete(links[deleted]!);
    assertEquals(numbers(chain), [...left]);
    assertEquals(chain.size, left.length);
  }
  chain.add(links[1]!);
  assertEquals(numbers(chain), [1]);
});

Deno.test("Chain gives all that it had when some are deleted meanwhile", () => {
  const chain = new Chain<Numbered>();
  for (let number = 0; number < 4; number++) chain.add(new Numbered(number));
  const seen: number[] = [];
  for (const link of chain) {
    seen.push(link.number);
    for (const other of chain) chain.delete(other);
  }
  assertEquals(seen, [0, 1, 2, 3]);
  assertEquals(chain.size, 0);
});
