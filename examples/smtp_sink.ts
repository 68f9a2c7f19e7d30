/**
 * Takes mail and keeps none: it prints who has sent it, to whom, and whether that was secret. With a certificate, here
 * server.crt and server.key, it speaks STARTTLS, and takes mail only after that; docs/tls.md has how to make one. Ctrl-C ends it.
 *
 * ```sh
 * deno run --allow-net=127.0.0.1:2525 --allow-read=. examples/smtp_sink.ts --port 2525 --tls server
 * openssl s_client -connect 127.0.0.1:2525 -starttls smtp -crlf -quiet
 * ```
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { AsyncTCPServer, StreamRequestHandler, type TlsOptions } from "../mod.ts";
import { refuse_unknown, run, tls_of, whole_number } from "./command_line.ts";
import { BRIEF } from "./limits.ts";
import { printable } from "./printable.ts";

/** The longest line, and the longest mail, in bytes. */
const MAX_LINE = 1000;
const MAX_MAIL = 10_485_760;
/** The most addresses that a mail goes to. */
const MAX_RECEIVERS = 100;

/** Talks to a client that has mail. */
class MailHandler extends StreamRequestHandler {
  static override timeout = 60_000; // ms that a client may say nothing
  static override read_deadline = 30_000; // ms that a line may take
  static override wbufsize = -1; // commands that come together are answered together
  static tls: TlsOptions | null = null;

  #sender: string | undefined;
  #receivers: string[] = [];

  override async handle(): Promise<void> {
    await this.#say("220 localhost takes mail, and keeps none");
    for (let word = ""; word !== "QUIT";) {
      const [command = "", ...rest] = (await this.#line()).split(" ");
      word = command.toUpperCase();
      if (word === "STARTTLS" && this.#may_begin) await this.#begin_tls();
      else await this.#say(await this.#answer(word, rest.join(" ")));
    }
  }

  async #answer(word: string, rest: string): Promise<string> {
    switch (word) {
      case "HELO":
      case "EHLO":
        this.#forget();
        return this.#may_begin && word === "EHLO"
          ? "250-localhost\r\n250 STARTTLS"
          : "250 localhost";
      case "MAIL":
        if (this.#may_begin) return "530 Say STARTTLS first";
        this.#sender = address_in(rest);
        return this.#sender === undefined ? "501 From whom?" : "250 OK";
      case "RCPT":
        return this.#add(address_in(rest));
      case "DATA":
        return this.#receivers.length > 0 ? await this.#take_mail() : "503 Say to whom first";
      case "RSET":
        this.#forget();
        return "250 OK";
      case "NOOP":
        return "250 OK";
      case "QUIT":
        return "221 Bye";
      default:
        return "502 What?";
    }
  }

  /** Whether the client can, and so must, begin TLS. */
  get #may_begin(): boolean {
    return MailHandler.tls !== null && this.request.tls === undefined;
  }

  async #begin_tls(): Promise<void> {
    await this.#say("220 Go ahead");
    await this.start_tls(MailHandler.tls!);
    // Anybody may have said what was said before.
    this.#forget();
  }

  #add(receiver: string | undefined): string {
    if (this.#sender === undefined) return "503 Say from whom first";
    if (!receiver) return "501 To whom?";
    if (this.#receivers.length === MAX_RECEIVERS) return "452 That is enough";
    this.#receivers.push(receiver);
    return "250 OK";
  }

  /** Takes the mail up to a line with a dot. */
  async #take_mail(): Promise<string> {
    await this.#say("354 End with a dot");
    let length = 0;
    for (let line; (line = await this.#line()) !== ".";) length += line.length + 2;
    const [sender, receivers] = [this.#sender!, this.#receivers.join(", ")];
    this.#forget();
    if (length > MAX_MAIL) return "552 That is too much";
    const how = this.request.tls?.protocol ?? "in plain";
    console.log(printable(`${length} bytes from <${sender}> to ${receivers}, ${how}`));
    return "250 Taken";
  }

  #forget(): void {
    this.#sender = undefined;
    this.#receivers = [];
  }

  /** A line, without its end: that has two characters, of which no other program may take one for it. */
  async #line(): Promise<string> {
    const bytes = await this.rfile.readuntil("\r\n", MAX_LINE);
    return new TextDecoder("latin1").decode(bytes.subarray(0, -2));
  }

  async #say(text: string): Promise<void> {
    await this.wfile.write(`${text}\r\n`);
  }
}

/** The address in `FROM:<anna@example.org>`. */
function address_in(text: string): string | undefined {
  return /^(?:FROM|TO): ?<([^<>]*)>/i.exec(text)?.[1];
}

const USAGE = "Usage: smtp_sink.ts [--port PORT] [--tls NAME]";

async function main(): Promise<void> {
  const unknown: string[] = [];
  const { port, tls } = parseArgs(Deno.args, {
    string: ["port", "tls"],
    default: { port: "2525" },
    unknown: (word) => (unknown.push(word), false),
  });
  refuse_unknown(unknown);
  MailHandler.tls = tls_of(tls);
  const address: [string, number] = ["127.0.0.1", whole_number("--port", port, 0, 65_535)];
  await using server = new AsyncTCPServer(address, MailHandler, BRIEF);
  const serving = server.serve_forever({ stop_on: ["SIGINT", "SIGTERM"] });
  console.log(`Receiving on 127.0.0.1:${server.server_address.port}; Ctrl-C ends it`);
  await serving;
}

if (import.meta.main) await run(USAGE, main);
