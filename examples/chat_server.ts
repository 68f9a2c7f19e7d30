/**
 * The server of chat_room.ts, which has the list of members.
 *
 * @module
 */
import { type CloseOptions, type CloseResult, ThreadingTCPServer } from "../mod.ts";

/** A member that leaves more messages than this unread is put out. */
const MAX_WAITING = 100;

interface Member {
  nick: string;
  waiting: string[];
  /** Resolves when there is something to fetch, or the member is gone. */
  news: PromiseWithResolvers<void>;
  /** Resolves when the member is gone: `true` if it was put out. */
  gone: PromiseWithResolvers<boolean>;
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
