/** The most characters that wait until standard error takes them. */
const MAX_WAITING = 65_536;
/** What standard error has not taken for so long, in ms, it may never take. */
const PROMPT = 100;

/** What waits until standard error has taken what is being written. */
let waiting = "";
/** How many texts had no room to wait. */
let dropped = 0;
/** Since when something is being written, in ms. */
let writing_since: number | undefined;
let listens = false;

/**
 * Prints lines to standard error, without waiting for it: a pipe that nobody reads takes 64 KiB, and then
 * holds up whoever writes at once. What is more than a few reports has no room to wait, and is counted.
 * It never throws: standard error may be full or closed.
 */
export function print(text: string): void {
  if (waiting.length + text.length > MAX_WAITING) dropped++;
  else waiting += `${text}\n`;
  if (writing_since === undefined) void write_all();
  if (!listens) addEventListener("unload", write_last);
  listens = true;
}

async function write_all(): Promise<void> {
  while (waiting !== "") {
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
  if (waiting === "" || performance.now() - writing_since! > PROMPT) return;
  try {
    Deno.stderr.writeSync(next_text());
  } catch {
    // There is nobody to be told.
  }
}

/** Takes all that waits. */
function next_text(): Uint8Array {
  const note = dropped > 0 ? `(${dropped.toLocaleString("en")} reports had no room here)\n` : "";
  const bytes = new TextEncoder().encode(waiting + note);
  waiting = "";
  dropped = 0;
  return bytes;
}
