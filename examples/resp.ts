/**
 * The protocol of key_value_store.ts: RESP2, as in Redis. Keys and values are any bytes. Here they are
 * text with a character for each byte (latin1).
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { BufferedReader } from "../mod.ts";

const MAX_WORDS = 8192; // of a command
const MAX_BYTES = 1_048_576; // of all words of a command

const MAX_UNFINISHED = 67_108_864; // bytes of the commands of all connections that are not whole
const SMALL = 16_384; // bytes of a command that is never refused for those of others
const WORD = 32; // bytes that a word takes beside its text

export const OK = "+OK\r\n";
export const integer = (value: number) => `:${value}\r\n`;
export const bulk = (text?: string) =>
  text === undefined ? "$-1\r\n" : `$${text.length}\r\n${text}\r\n`;
export const failure = (message: string) => `-ERR ${message.replaceAll(/[\r\n]/g, " ")}\r\n`;

/** The bytes of replies. */
export function bytes_of(replies: string): Uint8Array {
  return Buffer.from(replies, "latin1");
}

/** The words of a command: those in its line, or as many that follow as the line says. */
export async function words_of(line: Uint8Array, stream: BufferedReader): Promise<string[]> {
  return line[0] === 0x2a ? await bulks_of(line, stream) : typed_words(text_of(line));
}

/** The words as somebody types them: with spaces where they are in quotes. */
function typed_words(line: string): string[] {
  const words = line.match(/(?:"[^"]*"|'[^']*')(?![^ \t\r\n])|[^ \t\r\n]+/g) ?? [];
  // Copies: a part of the line, once it is stored, would keep all of the line in memory.
  return words.map((word) => text_of(bytes_of(word.replace(/^(["'])(.*)\1$/, "$2"))));
}

async function bulks_of(line: Uint8Array, stream: BufferedReader): Promise<string[]> {
  const words: string[] = [];
  const count = length_of(line, "*", MAX_WORDS);
  using room = new Room();
  for (let left = MAX_BYTES; words.length < count; left -= words.at(-1)!.length) {
    const length = length_of(await stream.readline(), "$", left);
    room.take(length + WORD);
    words.push(text_of(await stream.readexactly(length + 2)).slice(0, length));
  }
  return words;
}

/** The room for a command until it is whole, of that which all connections share. */
class Room implements Disposable {
  static #left = MAX_UNFINISHED;
  #taken = 0;

  take(size: number): void {
    Room.#left -= size;
    this.#taken += size;
    if (Room.#left >= 0 || this.#taken <= SMALL) return;
    throw new Deno.errors.InvalidData("there is no room for so large a command now");
  }

  [Symbol.dispose](): void {
    Room.#left += this.#taken;
  }
}

function length_of(line: Uint8Array, mark: string, limit: number): number {
  const [, type, digits] = /^(.)(\d+)\r?\n$/.exec(text_of(line)) ?? [];
  if (type === mark && Number(digits) <= limit) return Number(digits);
  throw new Deno.errors.InvalidData(`expected '${mark}' and a length up to ${limit}`);
}

function text_of(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}
