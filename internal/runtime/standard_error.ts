/** The most characters that wait until standard error takes them. */
const MAX_WAITING = 65_536;
/** What standard error has not taken for so long, in ms, it may never take. */
const PROMPT = 100;
/** How long, in ms, the program waits at its end for what is being written: a thread of Deno does that. */
const LAST_PAUSE = 50;

/** Back to the start of a line, which it erases. */
const ERASE = "\r\x1b[K";

/** What waits to be written. */
let waiting = "";
/** The last line of a terminal, below what is written; empty without one. */
let status = "";
/** The one that is there. */
let shown_status = "";
/** How many texts had no room to wait. */
let dropped = 0;
/** Since when something is being written, in ms. */
let writing_since: number | undefined;
/** Resolves when all is written. */
let writing: Promise<void> = Promise.resolve();
let listens = false;

/**
 * Prints lines to standard error, without waiting for it: a pipe that nobody reads takes 64 KiB, and then
 * holds up whoever writes at once. What is more than a few reports has no room to wait, and is counted.
 * It never throws: standard error may be full or closed.
 *
 * @param text The lines.
 * @param room How many characters may wait.
 */
export function print(text: string, room: number = MAX_WAITING): void {
  if (waiting.length + text.length > room) dropped++;
  else waiting += `${text}\n`;
  if (!listens) listen();
  // What comes at once is written at once: an error that nobody catches would end the program in between.
  queueMicrotask(start_writing);
}

/** Shows a line at the end of a terminal, below all that is printed; an empty one erases it. */
export function show_status(text: string): void {
  status = text;
  if (!listens) listen();
  queueMicrotask(start_writing);
}

/** Resolves when what was printed is written, or after a moment if standard error takes nothing. */
export async function written(): Promise<void> {
  start_writing();
  if (!is_prompt()) return;
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, PROMPT);
  await Promise.race([writing, late]);
  clearTimeout(timer);
}

/** The program may be about to end. */
function listen(): void {
  listens = true;
  addEventListener("error", start_writing);
  addEventListener("unload", write_last);
}

function start_writing(): void {
  if (writing_since === undefined && has_more()) writing = write_all();
}

function has_more(): boolean {
  return waiting !== "" || status !== shown_status;
}

/** Whether something is being written, and not for long. */
function is_prompt(): boolean {
  return writing_since !== undefined && performance.now() - writing_since <= PROMPT;
}

async function write_all(): Promise<void> {
  while (has_more()) {
    writing_since = performance.now();
    try {
      await write(next_text());
    } catch {
      // There is nobody to be told.
    }
  }
  writing_since = undefined;
}

async function write(bytes: Uint8Array): Promise<void> {
  for (let start = 0; start < bytes.length;) {
    start += await Deno.stderr.write(bytes.subarray(start));
  }
}

/** At the end of the program, what waits is written at once, unless it would wait for ever. */
function write_last(): void {
  if (is_prompt()) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LAST_PAUSE);
  else if (writing_since !== undefined) return;
  status = "";
  if (!has_more()) return;
  try {
    Deno.stderr.writeSync(next_text());
  } catch {
    // There is nobody to be told.
  }
}

/** Takes all that waits. */
function next_text(): Uint8Array {
  const note = dropped > 0 ? `(${dropped.toLocaleString("en")} reports had no room here)\n` : "";
  const erase = shown_status === "" ? "" : ERASE;
  const bytes = new TextEncoder().encode(erase + waiting + note + status);
  waiting = "";
  shown_status = status;
  dropped = 0;
  return bytes;
}
