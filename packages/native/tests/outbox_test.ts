/** What goes out together, and what becomes of it when the system refuses. */
import { assertEquals, assertRejects } from "@std/assert";
import { HAS_NATIVE } from "../../../tests/fixtures/servers/named_servers.ts";
import { soon } from "../../../tests/fixtures/tools/waiting.ts";
import { Addresses } from "../addresses.ts";
import { C } from "../libc.ts";
import { LibcUser } from "../libc_user.ts";
import { Outbox } from "../outbox.ts";
import { make_sender } from "../worker_sender.ts";

const CLIENT: Deno.NetAddr = { transport: "udp", hostname: "127.0.0.1", port: 9 };
const EPERM = 1;

/** What a call of sendmmsg(2) does: it sends so many, or fails. */
type Step = number | { errno: number };

/** An outbox over a system that does this, and how many it was asked to send each time. */
function scripted(libc: LibcUser, steps: Step[]): { outbox: Outbox; asked: number[] } & Disposable {
  const asked: number[] = [];
  let errno = 0;
  const sendmmsg = (_fd: number, _first: bigint, count: number) => {
    asked.push(count);
    const step = steps.shift() ?? count;
    if (typeof step === "number") return Math.min(step, count);
    errno = step.errno;
    return -1;
  };
  const fake = {
    functions: { ...libc.functions, sendmmsg },
    get errno() {
      return errno;
    },
  } as unknown as LibcUser;
  const fd = libc.functions.socket(C.AF_INET, C.SOCK_DGRAM, 0);
  return {
    outbox: new Outbox(fake, fd, new Addresses(libc, C.AF_INET), () => true),
    asked,
    [Symbol.dispose]: () => libc.functions.close(fd),
  };
}

/** Sends datagrams of these lengths in one turn, and tells what came of each. */
async function send_all(outbox: Outbox, lengths: number[]): Promise<unknown[]> {
  const sent = lengths.map((length) => outbox.send(new Uint8Array(length), CLIENT));
  const outcomes = await soon(Promise.allSettled(sent));
  return outcomes.map((each) => each.status === "fulfilled" ? each.value : each.reason.code);
}

/** Each script of the system: what is sent, what comes of it, and how many are asked for each time. */
const CASES: [name: string, steps: Step[], outcomes: unknown[], asked: number[]][] = [
  ["all at once", [], [0, 1, 2], [3]],
  ["some, and then the rest", [1, 1], [0, 1, 2], [3, 2, 1]],
  ["again after EINTR", [{ errno: C.EINTR }], [0, 1, 2], [3, 3]],
  ["again when there is room", [1, { errno: C.EAGAIN }], [0, 1, 2], [3, 2, 2]],
  ["all but the one that is refused", [1, { errno: EPERM }], [0, "EPERM", 2], [3, 2, 1]],
  ["what hears of an earlier one", [{ errno: C.ECONNREFUSED }], [0, 1, 2], [3, 3]],
  [
    "all but one that is refused twice",
    [{ errno: C.ECONNREFUSED }, { errno: C.ECONNREFUSED }],
    ["ECONNREFUSED", 1, 2],
    [3, 3, 2],
  ],
];

for (const [name, steps, outcomes, asked] of CASES) {
  Deno.test(`datagrams of one turn go together: ${name}`, { ignore: !HAS_NATIVE }, async () => {
    using libc = new LibcUser();
    using system = scripted(libc, [...steps]);
    const { outbox, asked: was_asked } = system;
    assertEquals(await send_all(outbox, [0, 1, 2]), outcomes);
    assertEquals(was_asked, asked);
    assertEquals(await send_all(outbox, [7]), [7]);
  });
}

Deno.test("more than fit go in parts, in their order", { ignore: !HAS_NATIVE }, async () => {
  using libc = new LibcUser();
  using system = scripted(libc, [64, { errno: C.EAGAIN }]);
  const { outbox, asked } = system;
  const lengths = Array.from({ length: 200 }, (_, at) => at);
  assertEquals(await send_all(outbox, lengths), lengths);
  assertEquals(asked[0], 64);
  const long = Array(5).fill(65_507);
  assertEquals(await send_all(outbox, long), long);
});

Deno.test(
  "a worker sends nothing once the listener is closed",
  { ignore: !HAS_NATIVE },
  async () => {
    using libc = new LibcUser();
    const is_over = new Int32Array(new SharedArrayBuffer(4));
    const sender = make_sender({ fd: -1, family: C.AF_INET, is_over }, libc);
    const send = () => sender.send(new Uint8Array(1), CLIENT);
    await assertRejects(send, Deno.errors.BadResource, "os error 9");
    is_over[0] = 1;
    await assertRejects(send, Deno.errors.BadResource, "closed");
  },
);
