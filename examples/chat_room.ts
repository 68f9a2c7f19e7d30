/**
 * A chat room for any number of `nc`. The server has the list of members. Handlers run in two workers
 * and call its methods, one of which waits until there are messages. The first line is the nick, `/who`
 * lists the members, and Ctrl-C says goodbye to all. With `--tls server --ca ca.crt` only who has a certificate of that
 * authority comes in, under its name: `openssl s_client -connect 127.0.0.1:8080 -cert anna.crt -key anna.key -quiet`.
 *
 * ```sh
 * deno run --allow-net=127.0.0.1:8080 --allow-read=. examples/chat_room.ts --port 8080
 * nc 127.0.0.1 8080
 * ```
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { threadId } from "node:worker_threads";
import { type Remote, StreamRequestHandler } from "../mod.ts";
import { ChatServer } from "./chat_server.ts";
import { tls_of } from "./command_line.ts";
import { LIMITS } from "./limits.ts";
import { printable } from "./printable.ts";

/** The longest line, in bytes. */
const MAX_LINE = 1024;
/** How long a member may say nothing, in ms. */
const AWAY = 3_600_000;
/** A member that leaves more than this unread is put out, in bytes. */
const MAX_UNREAD = 262_144;

/** Exported for `deno task serve examples/chat_room.ts`. */
export { ChatServer };

const NICK = /^[\w-]{1,16}$/;

/** Serves one member, which hears and speaks at the same time. */
export class ChatHandler extends StreamRequestHandler<Remote<ChatServer>> {
  static override timeout = 60_000; // until there is a nick
  static override read_deadline = 30_000; // for a line, once it has begun

  override async handle(): Promise<void> {
    const name = this.#name;
    const ask = name ? `You are ${name}` : "Your nick?";
    await this.wfile.write(`* Worker ${threadId} serves you. ${ask}\n`);
    for await (const nick of name ? [name] : this.#lines()) {
      const id = NICK.test(nick) ? await this.server.join(nick) : undefined;
      if (id !== undefined) {
        this.connection.settimeout(AWAY);
        await Promise.all([this.#hear(id), this.#speak(id, nick)]);
        return;
      }
      await this.wfile.write("* Taken, or not 1 to 16 letters, digits, - and _. Another one?\n");
    }
  }

  /** The name in the certificate of the member, if it has one. */
  get #name(): string | undefined {
    return /^CN=(.*)$/m.exec(this.request.tls?.peer_certificate?.subject ?? "")?.[1];
  }

  async #hear(id: number): Promise<void> {
    this.wfile.high_water = MAX_UNREAD;
    for (let messages; (messages = await this.server.next(id)) !== undefined;) {
      if (!this.wfile.offer(messages)) await this.#put_out(id);
    }
  }

  async #speak(id: number, nick: string): Promise<void> {
    try {
      await this.wfile.write(`* Welcome, ${nick}\n`);
      for await (const line of this.#lines()) {
        if (line === "/who") await this.wfile.write(`* ${(await this.server.who()).join(" ")}\n`);
        else await this.server.tell(`${nick}: ${line}`, id);
      }
    } finally {
      await this.wfile.write(await this.server.leave(id));
    }
  }

  async #put_out(id: number): Promise<never> {
    await this.server.leave(id, "does not read, and is put out");
    this.connection.close();
    throw new Deno.errors.ConnectionAborted("The member does not read");
  }

  /** The lines up to one that is too long, with control characters as `%1B` and so on. */
  async *#lines(): AsyncGenerator<string> {
    try {
      for (let line; (line = await this.rfile.readline(MAX_LINE)).length > 0;) {
        yield printable(new TextDecoder().decode(line).trim());
      }
    } catch (error) {
      const { InvalidData, TimedOut } = Deno.errors;
      if (error instanceof TimedOut) return await this.wfile.write("* Too slow. Goodbye!\n");
      if (!(error instanceof InvalidData)) throw error;
      await this.wfile.write(`* A line has at most ${MAX_LINE} bytes. Goodbye!\n`);
    }
  }
}

if (import.meta.main) {
  const { port, tls: name, ca } = parseArgs(Deno.args, {
    string: ["port", "tls", "ca"],
    default: { port: "8080" },
  });
  const tls = tls_of(name, ca);
  await using server = new ChatServer(["127.0.0.1", Number(port)], ChatHandler, { ...LIMITS, tls });
  const serving = server.serve_forever({ stop_on: ["SIGINT", "SIGTERM"] });
  console.log(`Chatting on port ${server.server_address.port}; Ctrl-C ends it`);
  await serving;
}
