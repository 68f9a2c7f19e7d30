/** The clock of the machine as one program sees it, over `faketime`: it can be stepped. */

/** Where Debian has the library. */
const LIBRARIES = "/usr/lib";
const LIBRARY = "faketime/libfaketimeMT.so.1";

/** The path of the library; `undefined` where it is not installed. */
export function faketime_library(): string | undefined {
  try {
    return [...Deno.readDirSync(LIBRARIES)].map(({ name }) => `${LIBRARIES}/${name}/${LIBRARY}`)
      .find(is_file);
  } catch {
    return undefined;
  }
}

function is_file(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

export class Clock {
  #path: string;
  #library: string;

  constructor(library: string, path: string) {
    this.#library = library;
    this.#path = path;
    this.step(0);
  }

  /** What the program's environment must have. The monotonic clock is left alone, as by the system. */
  get environment(): string[] {
    return [
      `LD_PRELOAD=${this.#library}`,
      `FAKETIME_TIMESTAMP_FILE=${this.#path}`,
      "FAKETIME_CACHE_DURATION=1",
      "FAKETIME_DONT_FAKE_MONOTONIC=1",
      "DONT_FAKE_MONOTONIC=1",
    ];
  }

  /** Puts it so many seconds before or behind what it would be. */
  step(seconds: number): void {
    // Replaced at once: it is read all the time.
    Deno.writeTextFileSync(`${this.#path}.new`, `${seconds < 0 ? "" : "+"}${seconds}\n`);
    Deno.renameSync(`${this.#path}.new`, this.#path);
  }
}
