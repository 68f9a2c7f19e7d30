// What is used of @std/cli/unstable-progress-bar, which no package on npm has.

/** What a bar is made of, as {@linkcode ProgressBarOptions.formatter} gets it. */
export interface ProgressBarFormatter {
  /** The bar itself. */
  progressBar: string;
  /** How much is done. */
  value: number;
  /** How much there is to be done. */
  max: number;
}

/** What a {@linkcode ProgressBar} can be told. */
export interface ProgressBarOptions {
  /** How much there is to be done. */
  max: number;
  /** What is printed. */
  formatter: (parts: ProgressBarFormatter) => string;
}

const LENGTH = 50;

/** Shows on standard error how much is done: at the start, each second, and at the end. */
export class ProgressBar {
  /** How much is done. */
  value = 0;
  /** How much there is to be done. */
  max: number;
  #formatter: ProgressBarOptions["formatter"];
  #timer = setInterval(() => this.#print(), 1000);

  constructor({ max, formatter }: ProgressBarOptions) {
    this.max = max;
    this.#formatter = formatter;
    this.#print();
  }

  #print(end = ""): void {
    const { value, max } = this;
    const progressBar = "#".repeat(Math.trunc(LENGTH * value / max)).padEnd(LENGTH, "-");
    const text = `\r\x1b[K${this.#formatter({ progressBar, value, max })}${end}`;
    Deno.stderr.writeSync(new TextEncoder().encode(text));
  }

  /** Shows it a last time, and ends its line. */
  stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#print("\n");
    return Promise.resolve();
  }
}
