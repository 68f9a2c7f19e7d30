/**
 * A chat room for any number of `nc`. The server has the list of members. Handlers run in two workers
 * and call its methods, one of which waits until there are messages. The first line is the nick, `/who`
 * lists the members, and Ctrl-C says goodbye to all.
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
import {
  type CloseOptions,
  type CloseResult,
  type Remote,
  StreamRequestHandler,
  ThreadingTCPServer,
} from "../mod.ts";
import { printable } from "./printable.ts";

/** The longest line, in bytes. */
const MAX_LINE = 1024;
/** A member that leaves more messages than this unread is put out. */
const MAX_WAITING = 100;
const NICK = /^[\w-]{1,16}$/;

interface Member {
  nick: string;
  waiting: string[];
  /** Resolves when there is something to fetch, or the member is gone. */
  news: PromiseWithResolvers<void>;
  /** Resolves when the member is gone: `true` if it was put out. */
  gone: PromiseWithResolvers<boolean>;
}

/** The room. Handlers call its methods from their workers: arguments and results are copied. */
class ChatServer extends ThreadingTCPServer {
  static override max_workers = 2;
  #members = new Map<number, Member>();
  #last_id = 0;

  /** Gives the number of the new member; `undefined` if somebody has the nick. */
  join(nick: string): number | undefined {
    if (this.who().includes(nick)) return undefined;
    this.tell(`* ${nick} joined`);
    const [news, gone] = [Promise.withResolvers<void>(), Promise.withResolvers<boolean>()];
    this.#members.set(++this.#last_id, { nick, waiting: [], news, gone });
    return this.#last_id;
  }

  who(): string[] {
    return [...this.#members.values()].map(({ nick }) => nick);
  }

  /** Tells all members but one; those that do not read are put out. */
  tell(message: string, except?: number): void {
    for (const [id, { waiting, news }] of [...this.#members]) {
      if (id === except) continue;
      waiting.push(`${message}\n`);
      news.resolve();
      if (waiting.length > MAX_WAITING) this.leave(id, true);
    }
  }

  /** Waits for messages and gives them; `undefined` when the member is gone. */
  async next(id: number): Promise<string | undefined> {
    const member = this.#members.get(id);
    await member?.news.promise;
    if (!member || !this.#members.has(id)) return undefined;
    member.news = Promise.withResolvers();
    return member.waiting.splice(0).join("");
  }

  /** Waits until the member is gone, and says whether it was put out. */
  async put_out(id: number): Promise<boolean> {
    return await this.#members.get(id)?.gone.promise ?? true;
  }

  /** Takes the member out of the room, and gives the messages that still wait for it. */
  leave(id: number, put_out = false): string {
    const member = this.#members.get(id);
    if (!member) return "";
    this.#members.delete(id);
    member.news.resolve();
    member.gone.resolve(put_out);
    this.tell(`* ${member.nick} ${put_out ? "does not read, and is put out" : "left"}`);
    return member.waiting.join("");
  }

  override async server_close(options?: CloseOptions): Promise<CloseResult> {
    this.tell("* The room closes. Goodbye!");
    return await super.server_close(options);
  }
}

/** Serves one member, which hears and speaks at the same time. */
export class ChatHandler extends StreamRequestHandler<Remote<ChatServer>> {
  override async handle(): Promise<void> {
    await this.wfile.write(`* Worker ${threadId} serves you. Your nick?\n`);
    for await (const nick of this.#lines()) {
      const id = NICK.test(nick) ? await this.server.join(nick) : undefined;
      if (id !== undefined) {
        await Promise.all([this.#hear(id), this.#speak(id, nick), this.#end_if_put_out(id)]);
        return;
      }
      await this.wfile.write("* Taken, or not 1 to 16 letters, digits, - and _. Another one?\n");
    }
  }

  async #hear(id: number): Promise<void> {
    for (let messages; (messages = await this.server.next(id)) !== undefined;) {
      await this.wfile.write(messages);
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

  /** A member that is put out reads nothing: only closing ends the write that waits for it. */
  async #end_if_put_out(id: number): Promise<void> {
    if (!await this.server.put_out(id)) return;
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
      if (!(error instanceof Deno.errors.InvalidData)) throw error;
      await this.wfile.write(`* A line has at most ${MAX_LINE} bytes. Goodbye!\n`);
    }
  }
}

if (import.meta.main) {
  const { port } = parseArgs(Deno.args, { string: ["port"], default: { port: "8080" } });
  await using server = new ChatServer(["127.0.0.1", Number(port)], ChatHandler);
  const serving = server.serve_forever({ stop_on: ["SIGINT", "SIGTERM"] });
  console.log(`Chatting on port ${server.server_address.port}; Ctrl-C ends it`);
  await serving;
}
