/** A program of the fire as the fire sees it. */
import { fileURLToPath } from "node:url";
import { Program } from "../fixtures/programs/programs.ts";
import { LONG } from "../fixtures/tools/waiting.ts";
import type { Troupe } from "./members.ts";
import { Place } from "./place.ts";
import type { Report } from "./program.ts";

const PROGRAM = fileURLToPath(new URL("./program.ts", import.meta.url));
/** How long all its servers may take to start, in ms, on a machine that is busy. */
const START = 300_000;
const FLAGS = ["-A", "--unstable-net", "--no-check", "--v8-flags=--expose-gc"];

export class Company extends Program {
  readonly troupe: Troupe;
  places: Place[] = [];
  #asking: Promise<unknown> = Promise.resolve();

  private constructor(troupe: Troupe, args: string[]) {
    super(...args);
    this.troupe = troupe;
  }

  /** Starts it, with a folder for its sockets and an environment. */
  static async start(troupe: Troupe, folder: string, environment: string[]): Promise<Company> {
    const command = [Deno.execPath(), "run", ...FLAGS, PROGRAM, troupe.name, folder];
    const company = new Company(troupe, [...environment, ...command]);
    try {
      const addresses = JSON.parse(await company.line(START)) as Record<string, Deno.Addr>;
      company.places = troupe.members.map((member) =>
        new Place(member, troupe.name, addresses[member.name]!)
      );
      return company;
    } catch (error) {
      // One that has ended by itself says so in the error.
      await company[Symbol.asyncDispose]().catch(() => {});
      throw error;
    }
  }

  protected override command_line(args: string[]): [file: string, ...args: string[]] {
    return ["env", ...args];
  }

  /** Has it do something, one thing after the other. */
  ask<T>(command: string, name = "", value: unknown = null): Promise<T> {
    const asked = this.#asking.then(async () => {
      await this.send(`${JSON.stringify([command, name, value])}\n`);
      return JSON.parse(await this.line(LONG)) as T;
    });
    // Who comes next is told of it by its own.
    this.#asking = asked.catch(() => {});
    return asked;
  }

  /** What it tells of itself; with all that takes a while when it is at rest. */
  report(is_rest: boolean): Promise<Report> {
    return this.ask(is_rest ? "rest" : "report");
  }
}
