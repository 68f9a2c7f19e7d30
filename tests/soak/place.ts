/** A server of the fire as clients see it, and what they have seen. */
import type { Member, Troupe } from "./members.ts";

/** How long, in ms, what was done to a server may still cost it clients. */
const AFTERMATH = 5000;

export class Place {
  readonly member: Member;
  readonly troupe: Troupe["name"];
  readonly address: Deno.Addr;
  /** How many connections clients have made, or tried to. */
  connects = 0;
  /** How many sessions were begun, how many went as they should, and how many were lost. */
  sessions = 0;
  served = 0;
  lost = 0;
  /** How many of them have quit, and seen the end. */
  polite = 0;
  /** How many bytes clients have sent, and those that were answered. */
  sent = 0;
  received = 0;
  /** How many errors handlers have said that they would throw. */
  thrown = 0;
  /** How often it was asked for a number of each kind, and the numbers that were told. */
  readonly numbers = { counted: new Set<number>(), added: new Set<number>() };
  readonly asked = { count: 0, add: 0, job: 0, line: 0 };
  /** The jobs that were told, and were left. */
  readonly jobs: Set<number> = new Set();
  #next_job = 0;
  #troubles = 0;
  #disturbed_at = -Infinity;

  constructor(member: Member, troupe: Troupe["name"], address: Deno.Addr) {
    this.member = member;
    this.troupe = troupe;
    this.address = address;
  }

  get is_stream(): boolean {
    return this.member.transport === "tcp" || this.member.transport === "unix";
  }

  /** Whether several of its clients are served at once. */
  get is_concurrent(): boolean {
    return /^(Async|Threading|Forking)/.test(this.member.server);
  }

  /** A number that no other job has. */
  next_job(): number {
    this.asked.job++;
    return this.#next_job++;
  }

  /** Something is done to it that may cost clients, until what is returned is called. */
  disturb(): () => void {
    this.#troubles++;
    let is_over = false;
    return () => {
      if (is_over) return;
      is_over = true;
      this.#troubles--;
      this.#disturbed_at = performance.now();
    };
  }

  /** Whether there was a cause, since then, for which a client may be lost. */
  may_lose(since: number): boolean {
    return this.member.is_mistreated === true || this.#troubles > 0 ||
      this.#disturbed_at + AFTERMATH > since;
  }
}
