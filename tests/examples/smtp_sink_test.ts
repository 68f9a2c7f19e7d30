import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { file, upgrade } from "../fixtures/certificates/certificates.ts";
import { LineClient } from "../fixtures/clients/clients.ts";
import {
  commands_of,
  ending_of,
  is_there,
  output_of,
  Task,
} from "../fixtures/programs/programs.ts";
import { soon } from "../fixtures/tools/waiting.ts";

const [RUN, OPENSSL] = commands_of("smtp_sink.ts");
const LOCALHOST = fileURLToPath(file("localhost"));

/** The sink on a free port, started by the command of its head comment, with a certificate unless told. */
async function start(with_tls = true): Promise<{ task: Task; port: number }> {
  await using stack = new AsyncDisposableStack();
  const command = RUN!.replace("127.0.0.1:2525", "127.0.0.1").replace("--port 2525", "--port 0")
    .replace("--tls server", with_tls ? `--tls ${LOCALHOST}` : "");
  const task = stack.use(new Task("--eval", command));
  const line = await soon(task.line());
  assertMatch(line, /^Receiving on 127\.0\.0\.1:\d+; Ctrl-C ends it$/);
  stack.move();
  return { task, port: Number(/:(\d+);/.exec(line)![1]) };
}

/** Says a line and expects an answer. */
async function expect(client: LineClient<Deno.Conn>, says: string, hears: string): Promise<void> {
  assertEquals(await client.ask(`${says}\r`), hears);
}

/** Sends a mail. */
async function send(client: LineClient<Deno.Conn>): Promise<void> {
  await expect(client, "MAIL FROM:<anna@example.org>", "250 OK");
  await expect(client, "RCPT TO:<bert@example.org>", "250 OK");
  await expect(client, "DATA", "354 End with a dot");
  await client.send("Subject: hello\r");
  await expect(client, ".", "250 Taken");
}

Deno.test("smtp_sink.ts takes mail over STARTTLS, and none before", async () => {
  const { task, port } = await start();
  await using _task = task;
  const plain = new LineClient(await Deno.connect({ port }));
  await plain.line();
  await expect(plain, "EHLO me", "250-localhost");
  assertEquals(await plain.line(), "250 STARTTLS");
  await expect(plain, "MAIL FROM:<anna@example.org>", "530 Say STARTTLS first");
  await expect(plain, "STARTTLS", "220 Go ahead");
  using client = new LineClient<Deno.Conn>(await upgrade(plain.conn));
  await expect(client, "EHLO me", "250 localhost");
  await send(client);
  assertEquals(
    await soon(task.line()),
    "16 bytes from <anna@example.org> to bert@example.org, TLSv1.3",
  );
  await expect(client, "QUIT", "221 Bye");
});

Deno.test("smtp_sink.ts takes mail in plain without a certificate, and keeps to the order", async () => {
  const { task, port } = await start(false);
  await using _task = task;
  using client = new LineClient<Deno.Conn>(await Deno.connect({ port }));
  await client.line();
  for (
    const [says, hears] of [
      ["STARTTLS", "502 What?"],
      ["RCPT TO:<bert@example.org>", "503 Say from whom first"],
      ["DATA", "503 Say to whom first"],
      ["MAIL anna", "501 From whom?"],
    ]
  ) await expect(client, says!, hears!);
  await send(client);
  assertStringIncludes(await soon(task.line()), "in plain");
});

Deno.test({
  name: "smtp_sink.ts: openssl, as its head says",
  ignore: !is_there("openssl"),
  async fn() {
    const { task, port } = await start();
    await using _task = task;
    const [program, ...args] = OPENSSL!.replace("2525", String(port)).split(" ");
    const { output } = await ending_of(program!, args, { input: "NOOP\nQUIT\n" });
    assertStringIncludes(output, "250 OK\r\n221 Bye\r\n");
  },
});

Deno.test({
  name: "smtp_sink.ts: a mail from Python's smtplib",
  ignore: !is_there("python3"),
  async fn() {
    const { task, port } = await start();
    await using _task = task;
    const client = `
import smtplib, ssl
with smtplib.SMTP("localhost", ${port}, timeout=20) as client:
    client.starttls(context=ssl.create_default_context(cafile="${fileURLToPath(file("ca.crt"))}"))
    client.sendmail("anna@example.org", ["bert@example.org", "cleo@example.org"], "hello")
`;
    await output_of("python3", ["-c", client]);
    assertMatch(await soon(task.line()), /to bert@example.org, cleo@example.org, TLSv1\.3$/);
  },
});
