import { assertEquals, assertRejects } from "@std/assert";
import { is_client_gone } from "../../../internal/runtime/error_names.ts";
import {
  accept_error_class,
  type AcceptErrorClass,
} from "../../../server/requests/accept_errors.ts";
import { HandoverListener } from "../../../server/listeners/handover_listener.ts";
import { connect_and_reset } from "../../fixtures/clients/clients.ts";
import { soon } from "../../fixtures/tools/waiting.ts";

const { errors } = Deno;

function coded(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** What accepting may throw, by what it means for the loop. */
const ACCEPT_ERRORS: Record<AcceptErrorClass, unknown[]> = {
  retry: [
    ...[new errors.ConnectionAborted(), new errors.ConnectionReset(), new errors.NotConnected()],
    ...["ECONNABORTED", "ECONNRESET", "EHOSTDOWN", "EHOSTUNREACH", "EINTR", "EINVAL"].map(coded),
    ...["ENETDOWN", "ENETUNREACH", "ENOTCONN", "EPERM", "EPROTO", "ETIMEDOUT"].map(coded),
  ],
  pause: [
    ...["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"].map(coded),
    // What nobody has heard of.
    ...[coded("EODD"), coded(""), new Error("odd"), "a word", 42, null, undefined, {}],
    ...[new TypeError("odd"), new errors.PermissionDenied("odd")],
  ],
  stop: [
    ...[new errors.BadResource(), new errors.Interrupted()],
    ...["EBADF", "ENOTSOCK"].map(coded),
  ],
};

for (const [name, thrown] of Object.entries(ACCEPT_ERRORS)) {
  Deno.test(`accept_error_class() knows the errors to ${name}`, () => {
    for (const error of thrown) assertEquals(accept_error_class(error), name, Deno.inspect(error));
  });
}

Deno.test("accept_error_class() believes the code before the name", () => {
  const error = Object.assign(new errors.ConnectionReset(), { code: "EMFILE" });
  assertEquals(accept_error_class(error), "pause");
  const odd = Object.assign(new errors.ConnectionReset(), { code: "EODD" });
  assertEquals(accept_error_class(odd), "retry", "where the code says something");
});

Deno.test("accept_error_class() finds stop for a closed Deno.listen()", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const waiting = assertRejects(() => listener.accept());
  listener.close();
  assertEquals(accept_error_class(await soon(waiting)), "stop");
  assertEquals(accept_error_class(await assertRejects(() => listener.accept())), "stop");
});

Deno.test("accept_error_class() finds stop for a closed HandoverListener", async () => {
  const addr: Deno.NetAddr = { transport: "tcp", hostname: "127.0.0.1", port: 0 };
  const listener = new HandoverListener({ addr, backlog: 1, reuse_port: false });
  const waiting = assertRejects(async () => await listener.accept());
  await listener.close();
  assertEquals(accept_error_class(await soon(waiting)), "stop");
  assertEquals(
    accept_error_class(await assertRejects(async () => await listener.accept())),
    "stop",
  );
});

Deno.test({
  name: "accept_error_class() finds retry for a client that was gone before it was taken",
  ignore: Deno.build.os !== "linux",
  async fn() {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    await connect_and_reset(listener.addr as Deno.NetAddr);
    const error = await soon(assertRejects(() => listener.accept()));
    assertEquals(accept_error_class(error), "retry", Deno.inspect(error));
  },
});

Deno.test("is_client_gone() knows the errors of a client that went away", () => {
  const gone = [
    ...[new errors.BrokenPipe(), new errors.ConnectionAborted(), new errors.ConnectionReset()],
    ...[new errors.NotConnected(), new errors.UnexpectedEof()],
    ...["ECONNABORTED", "ECONNRESET", "ENOTCONN", "EPIPE"].map(coded),
  ];
  for (const error of gone) assertEquals(is_client_gone(error), true, Deno.inspect(error));
  const others = [
    ...[new errors.TimedOut(), new errors.InvalidData(), new errors.Busy(), new TypeError("x")],
    ...[coded("EMFILE"), coded("ENOENT"), "BrokenPipe", null, undefined],
  ];
  for (const error of others) assertEquals(is_client_gone(error), false, Deno.inspect(error));
});

Deno.test("is_client_gone() looks at the causes, too", () => {
  const bug = new Deno.errors.BrokenPipe("", { cause: new RangeError("a bug") });
  assertEquals(is_client_gone(bug), false);
  const gone = new Deno.errors.BrokenPipe("", { cause: new Deno.errors.ConnectionReset() });
  assertEquals(is_client_gone(gone), true);
  gone.cause = gone;
  assertEquals(is_client_gone(gone), true);
});
