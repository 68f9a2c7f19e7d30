/** Who may use a manager: Python's handshake, from both sides. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { AuthenticationError } from "../../../../concurrency/multiprocessing/mod.ts";
import {
  CHALLENGE,
  RawManagerClient,
  signed,
} from "../../../fixtures/clients/raw_manager_client.ts";
import { KEY, Managing } from "../../../fixtures/managers/managing.ts";
import { TestManager } from "../../../fixtures/managers/test_manager.ts";
import { is_there } from "../../../fixtures/programs/programs.ts";
import { bytes_of, concat, text_of } from "../../../fixtures/tools/bytes.ts";
import { is_pending, soon, until } from "../../../fixtures/tools/waiting.ts";

Deno.test("a wrong key is refused on both sides, at once", async () => {
  await using managing = new Managing();
  const { port } = managing;
  const wrong = new TestManager({ address: ["127.0.0.1", port], authkey: "another" });
  const error = await assertRejects(() => soon(wrong.connect()), AuthenticationError);
  assert(error instanceof Deno.errors.PermissionDenied);
  await managing.is_left();
  assertEquals(managing.reports, ["The other side does not know the authkey"]);
  await using right = await managing.connect();
  assertEquals(await right.echo(1), 1);
});

Deno.test("a wrong key is refused on both sides within 100 ms", async () => {
  await using managing = new Managing();
  const address = managing.server.server_address;
  const times: number[] = [];
  // The best of several: the machine may have much else to do.
  for (let count = 1; count <= 10; count++) {
    const wrong = new TestManager({ address, authkey: "another" });
    const start = performance.now();
    await assertRejects(() => soon(wrong.connect()), AuthenticationError);
    await until(() => managing.reports.length === count);
    times.push(performance.now() - start);
  }
  assert(Math.min(...times) < 100, `It took ${times} ms`);
});

Deno.test("a server with another key is refused by its client, even if it welcomes it", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const client = new TestManager({ address: ["127.0.0.1", listener.addr.port], authkey: KEY });
  const connecting = assertRejects(
    () => soon(client.connect()),
    AuthenticationError,
    "does not know the authkey",
  );
  using server = new RawManagerClient(await listener.accept());
  await server.send(concat(bytes_of(`${CHALLENGE}{sha256}`), new Uint8Array(40)));
  await server.receive();
  await server.send(bytes_of("#WELCOME#"));
  const challenge = (await server.receive()).subarray(CHALLENGE.length);
  await server.send(signed("another", challenge));
  await server.expect("#FAILURE#");
  await connecting;
});

/** What a client that connects to a server that is no such one is told, and what that one says. */
const NO_MANAGERS: Record<string, [says: Uint8Array[], told: string]> = {
  "no challenge": [[bytes_of("HTTP/1.1 400 Bad Request\r\n")], "sends no challenge"],
  "a short challenge": [[bytes_of(`${CHALLENGE}{sha256}1`)], "is too short"],
  "a challenge of before Python 3.12": [
    [concat(bytes_of(CHALLENGE), new Uint8Array(20))],
    "does not ask for SHA-256",
  ],
};

Deno.test("a server that is none of a manager is refused by its client, in words", async (test) => {
  for (const [what, [says, told]] of Object.entries(NO_MANAGERS)) {
    await test.step(what, async () => {
      using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const client = new TestManager({ address: ["127.0.0.1", listener.addr.port], authkey: KEY });
      const connecting = assertRejects(() => soon(client.connect()), AuthenticationError, told);
      using server = new RawManagerClient(await listener.accept());
      for (const frame of says) await server.send(frame);
      await connecting;
      await server.is_ended();
    });
  }
});

/** Greets a client with what stands for something. */
async function greet(listener: Deno.TcpListener, greeting: unknown): Promise<RawManagerClient> {
  const server = new RawManagerClient(await listener.accept());
  await server.send(concat(bytes_of(`${CHALLENGE}{sha256}`), new Uint8Array(40)));
  await server.receive();
  await server.send(bytes_of("#WELCOME#"));
  const challenge = (await server.receive()).subarray(CHALLENGE.length);
  await server.send(signed(KEY, challenge));
  await server.expect("#WELCOME#");
  await server.send(bytes_of(JSON.stringify(greeting)));
  return server;
}

Deno.test("a server that knows the key, and greets as no manager does, is refused", async () => {
  const kind = { file: "concurrency/threading/event.ts", name: "Event" };
  const root = { mine: 1, kind, fixed: {} };
  const told = {
    "does not speak as a manager": [
      { version: 2, peer_timeout: 1000, root },
      { version: 1, peer_timeout: 0, root },
      { version: 1, peer_timeout: 1000, root: {} },
      null,
    ],
    "does not give what a manager gives": [{ version: 1, peer_timeout: 1000, root }],
  };
  for (const [words, greetings] of Object.entries(told)) {
    for (const greeting of greetings) {
      using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const client = new TestManager({ address: ["127.0.0.1", listener.addr.port], authkey: KEY });
      const connecting = assertRejects(() => soon(client.connect()), AuthenticationError, words);
      using server = await greet(listener, greeting);
      await connecting;
      await soon(server.is_ended());
    }
  }
});

Deno.test("a server that says nothing is left after a time of its own", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const client = new TestManager({ address: ["127.0.0.1", listener.addr.port], authkey: KEY });
  const connecting = assertRejects(() => soon(client.connect()), Deno.errors.TimedOut, "5000 ms");
  using server = new RawManagerClient(await listener.accept());
  await connecting;
  await soon(server.is_ended());
});

Deno.test("a challenge that is sent on to its own program is not answered", async () => {
  await using managing = new Managing();
  using thief = await RawManagerClient.connect(managing.port);
  const challenge = await thief.receive();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const client = new TestManager({ address: ["127.0.0.1", listener.addr.port], authkey: KEY });
  const connecting = assertRejects(
    () => soon(client.connect()),
    AuthenticationError,
    "sends on a challenge of this program",
  );
  using server = new RawManagerClient(await listener.accept());
  await server.send(challenge);
  await connecting;
  await server.is_ended();
});

Deno.test("a challenge that is sent back to its server is no proof", async () => {
  await using managing = new Managing();
  using thief = await RawManagerClient.connect(managing.port);
  const challenge = await thief.receive();
  await thief.send(challenge);
  await thief.expect("#FAILURE#");
  await thief.is_ended();
});

for (
  const [what, frame, length] of [
    ["257 bytes", new Uint8Array(257)],
    ["a length of -1", new Uint8Array(0), -1],
    ["a length of 2 GiB", new Uint8Array(0), 2 ** 31 - 1],
    ["an empty proof", new Uint8Array(0)],
    ["a proof of MD5", new Uint8Array(16)],
  ] as [string, Uint8Array, number?][]
) {
  Deno.test(`before both know each other: ${what} ends the connection`, async () => {
    await using managing = new Managing();
    using client = await RawManagerClient.connect(managing.port);
    await client.receive();
    await client.send(frame, length);
    await client.is_ended();
    await managing.is_left();
    assertEquals(managing.reports.length, 1);
  });
}

Deno.test("a client that says nothing is left after a time of its own", async () => {
  await using managing = new Managing();
  using client = await RawManagerClient.connect(managing.port);
  await client.receive();
  // A byte now and then changes nothing.
  await client.conn.write(new Uint8Array(1));
  assert(await is_pending(client.is_ended(), 500));
  await until(() => managing.reports.length === 1);
  assertEquals(managing.reports, ["The client did not say who it is within 5000 ms"]);
});

Deno.test("200 strangers that send one byte: who has the key gets in, and they are left", async () => {
  await using managing = new Managing();
  await using strangers = new AsyncDisposableStack();
  for (let count = 0; count < 200; count++) {
    const stranger = strangers.use(await RawManagerClient.connect(managing.port));
    await stranger.conn.write(new Uint8Array(1));
  }
  await until(() => managing.server.info().active === 200);
  await using client = await managing.connect();
  assertEquals(await soon(client.echo(1)), 1);
  await managing.is_left(1);
  assertEquals(managing.reports.length, 200);
  assertEquals(await client.echo(2), 2);
});

Deno.test("without a key, only programs of this machine can reach it", async () => {
  for (const hostname of ["", "0.0.0.0", "192.0.2.1", "example.com", "::"]) {
    assertThrows(() => new TestManager({ address: [hostname, 1] }), TypeError, "authkey");
  }
  for (const hostname of ["127.0.0.1", "127.1.2.3", "localhost", "::1"]) {
    new TestManager({ address: [hostname, 1] });
  }
  new TestManager({ address: "/tmp/a.sock" });
  assertThrows(() => new TestManager({ authkey: "" }), RangeError, "empty");
  assertThrows(() => new TestManager({ authkey: 1 as never }), TypeError, "authkey");
  await using server = new TestManager().get_server();
  const serving = server.serve_forever();
  await using client = new TestManager({ address: server.server_address });
  await client.connect();
  assertEquals(await client.echo("hello"), "hello");
  await client.close();
  await server.shutdown();
  await serving;
});

/** Those of this machine; a name may stand for none that can be run. */
const pythons = ["python3", "python3.12", "python3.13"].filter((name) =>
  is_there(name) && new Deno.Command(name, { args: ["-V"], stderr: "null" }).outputSync().success
);
const script = new URL("../../../fixtures/managers/handshake.py", import.meta.url).pathname;

Deno.test("python3: as a client it gets in with the key, and without it does not", {
  ignore: pythons.length === 0,
}, async () => {
  await using managing = new Managing();
  for (const program of pythons) {
    for (const [key, outcome] of [[KEY, "welcome"], ["another", "AuthenticationError"]]) {
      const args = [script, "client", String(managing.port), key!];
      const { stdout } = await soon(new Deno.Command(program, { args }).output());
      assertEquals(new Set(text_of(stdout).trim().split("\n")), new Set([outcome]));
    }
  }
});

Deno.test("python3: as a server it welcomes who has the key, and refuses others", {
  ignore: pythons.length === 0,
}, async () => {
  for (const program of pythons) {
    for (const authkey of [KEY, "another"]) {
      const args = [script, "server", KEY];
      const child = new Deno.Command(program, { args, stdout: "piped" }).spawn();
      try {
        await answered_by(child, authkey);
        assertEquals((await soon(child.status)).code, 0);
      } finally {
        // It is there no more, if all went well.
        try {
          child.kill();
        } catch { /* So it is. */ }
      }
    }
  }
});

async function answered_by(child: Deno.ChildProcess, authkey: string): Promise<void> {
  const chunks = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const line = async () => {
    while (!text.includes("\n")) text += (await soon(chunks.read())).value ?? "\n";
    const [first = "", ...rest] = text.split("\n");
    text = rest.join("\n");
    return first;
  };
  const [port, count] = (await line()).split(" ").map(Number) as [number, number];
  for (let at = 0; at < count; at++) {
    const client = new TestManager({ address: ["127.0.0.1", port], authkey });
    const message = authkey === KEY ? "does not speak as a manager" : "another authkey";
    await assertRejects(() => soon(client.connect()), AuthenticationError, message);
    assertEquals(await line(), authkey === KEY ? "welcome" : "AuthenticationError");
  }
  await chunks.cancel();
}
