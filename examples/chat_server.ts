/**
 * The server of chat_room.ts, which has the list of members.
 *
 * @module
 */
import { type CloseOptions, type CloseResult, ThreadingTCPServer } from "../mod.ts";

interface Member {
  nick: string;
  waiting: string[];
  /** Resolves when there is something to fetch, or the member is gone. */
  news: PromiseWithResolvers<void>;
}

/** The room. Handlers call its methods from their workers: arguments and results are copied. */
export class ChatServer extends ThreadingTCPServer {
  static override max_workers = 2;
  #members = new Map<number, Member>();
  #last_id = 0;

  /** Gives the number of the new member; `undefined` if somebody has the nick. */
  join(nick: string): number | undefined {
    if (this.who().includes(nick)) return undefined;
    this.tell(`* ${nick} joined`);
    this.#members.set(++this.#last_id, { nick, waiting: [], news: Promise.withResolvers() });
    return this.#last_id;
  }

  who(): string[] {
    return [...this.#members.values()].map(({ nick }) => nick);
  }

  /** Tells all members but one. */
  tell(message: string, except?: number): void {
    for (const [id, { waiting, news }] of this.#members) {
      if (id === except) continue;
      waiting.push(`${message}\n`);
      news.resolve();
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

  /** Takes the member out of the room, and gives the messages that still wait for it. */
  leave(id: number, why = "left"): string {
    const member = this.#members.get(id);
    if (!member) return "";
    this.#members.delete(id);
    member.news.resolve();
    this.tell(`* ${member.nick} ${why}`);
    return member.waiting.join("");
  }

  override async server_close(options?: CloseOptions): Promise<CloseResult> {
    this.tell("* The room closes. Goodbye!");
    return await super.server_close(options);
  }
}
