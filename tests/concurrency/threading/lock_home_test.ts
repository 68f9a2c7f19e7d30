/** Which agent has a lock, and which ones wait: at the lock's home. */
import { assertEquals, assertRejects } from "@std/assert";
import { LeaseWord } from "../../../concurrency/threading/lease_word.ts";
import { type DescribedLock, LockHome } from "../../../concurrency/threading/lock_home.ts";
import { type Agent, Owner } from "../../../internal/shared/owner.ts";
import type { Wait } from "../../../internal/shared/wait.ts";

/** A lock at home, and who asks for it. */
class Scene {
  readonly home = new LockHome();
  readonly reports: string[] = [];
  #last_number = 1;

  constructor() {
    this.home.report = ({ message }) => this.reports.push(message);
  }

  agent(name: string, shares_memory = false): Owner {
    const agent: Agent = { number: ++this.#last_number, name, shares_memory };
    return new Owner(agent);
  }

  ask(owner: Owner, has_word = false): Wait<boolean | null> {
    return this.home.lease(owner, null, has_word);
  }
}

/** What a wait was granted, and received; `undefined` while it waits. */
function got(wait: Wait<boolean | null>): boolean | null | undefined {
  if (wait.is_over) wait.receive();
  return wait.value;
}

Deno.test("LockHome: first come, first served", () => {
  const scene = new Scene();
  const owners = ["one", "two", "three"].map((name) => scene.agent(name));
  const waits = owners.map((owner) => scene.ask(owner));
  for (const [at, owner] of owners.entries()) {
    assertEquals(waits.map(({ is_over }) => is_over), waits.map((_, other) => other <= at));
    assertEquals(got(waits[at]!), false);
    scene.home.give(owner, false);
  }
  assertEquals([scene.home.locked(), scene.home.is_wanted], [false, false]);
  assertEquals(owners.map(({ size }) => size), [0, 0, 0]);
});

Deno.test("LockHome: what is tried once is not waited for", () => {
  const scene = new Scene();
  const [one, two] = [scene.agent("one"), scene.agent("two")];
  assertEquals(scene.home.lease(one, 0, false).value, false);
  assertEquals(scene.home.lease(two, 0, false).value, null);
  assertEquals(scene.home.is_wanted, false);
});

Deno.test("LockHome: who leaves the line is not waited for, and says so to who has it", async () => {
  const scene = new Scene();
  const [one, two] = [scene.agent("one", true), scene.agent("two", true)];
  const word = new LeaseWord(scene.home.describe(one.agent).memory);
  assertEquals(word.take(one.agent.number), { abandoned: false });
  const wait = scene.ask(two, true);
  assertEquals([word.is_wanted, scene.home.is_wanted], [true, true]);
  wait.cancel(new Error("gone"));
  await assertRejects(() => wait.promise, "gone");
  assertEquals([word.is_wanted, scene.home.is_wanted], [false, false]);
  assertEquals(word.give(one.agent.number, false), true);
});

Deno.test("LockHome: a grant that nobody has received goes to the next one, as it was", () => {
  const scene = new Scene();
  const [one, two, three] = ["one", "two", "three"].map((name) => scene.agent(name));
  got(scene.ask(one!));
  const waits = [scene.ask(two!), scene.ask(three!)];
  scene.home.give(one!, true);
  assertEquals([waits[0]!.value, waits[1]!.is_over], [true, false]);
  waits[0]!.cancel(new Error("gone"));
  assertEquals(got(waits[1]!), true);
  assertEquals(scene.reports, []);
});

Deno.test("LockHome: who ends with it leaves it to the next one, who is told", () => {
  for (const has_word of [false, true]) {
    const scene = new Scene();
    const [one, two] = [scene.agent("Worker 1", has_word), scene.agent("Worker 2", has_word)];
    assertEquals(got(scene.ask(one, has_word)), false);
    const wait = scene.ask(two, has_word);
    // As a link does it when its agent has ended.
    one.give_back();
    scene.home.agent_ended(one.agent);
    assertEquals(got(wait), true);
    assertEquals(scene.reports.length, 1);
    scene.home.give(two, false);
    two.give_back();
    scene.home.agent_ended(two.agent);
    assertEquals(scene.reports.length, 1);
    assertEquals(scene.home.locked(), false);
  }
});

Deno.test("LockHome: one of several that are known as one agent is lost", () => {
  const scene = new Scene();
  const direct = scene.agent("the program", true);
  const behind = new Owner(direct.agent);
  assertEquals(got(scene.ask(behind)), false);
  const wait = scene.ask(direct, true);
  behind.give_back();
  assertEquals(got(wait), true);
  assertEquals(scene.reports.length, 1);
});

Deno.test("LockHome: who got the word after the lock, and has given it back by that, loses nothing", () => {
  const scene = new Scene();
  const [one, two] = [scene.agent("one", true), scene.agent("two", true)];
  assertEquals(got(scene.ask(one)), false);
  const { agent, memory } = scene.home.described(one) as DescribedLock;
  const word = new LeaseWord(memory);
  assertEquals(word.give(agent, false), true);
  assertEquals(got(scene.ask(two)), false);
  one.give_back();
  scene.home.agent_ended(one.agent);
  assertEquals([scene.home.locked(), scene.reports], [true, []]);
  two.give_back();
  assertEquals([scene.home.locked(), scene.reports.length], [false, 1]);
});

Deno.test("LockHome: what is withdrawn nobody has, and nobody waits for", async () => {
  const scene = new Scene();
  const [one, two] = [scene.agent("one"), scene.agent("two")];
  got(scene.ask(one));
  const wait = scene.ask(two);
  scene.home.withdraw(new Deno.errors.BadResource("withdrawn"));
  await assertRejects(() => wait.promise, Deno.errors.BadResource);
  assertEquals([one.size, scene.home.is_wanted], [0, false]);
});
