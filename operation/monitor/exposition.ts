/** What a metric measures: a count that only grows, a number now, or durations in ranges. */
export type MetricType = "counter" | "gauge" | "histogram";

/** What tells the samples of a metric apart. */
export type Labels = Record<string, string>;

/** The metrics of a text of Prometheus, format 0.0.4: each with all of its samples, in the order of their first ones. */
export class Exposition {
  #families: Map<string, string[]> = new Map();

  /**
   * Adds a sample.
   *
   * @param name The name of the metric.
   * @param type What it measures.
   * @param help What it is.
   * @param labels What tells this sample apart.
   * @param value The number.
   * @param suffix What the samples of a histogram have behind the name.
   */
  add(
    name: string,
    type: MetricType,
    help: string,
    labels: Labels,
    value: number,
    suffix = "",
  ): void {
    let lines = this.#families.get(name);
    if (!lines) {
      const text = help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
      lines = [`# HELP ${name} ${text}`, `# TYPE ${name} ${type}`];
      this.#families.set(name, lines);
    }
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
    lines.push(`${name}${suffix}{${pairs.join(",")}} ${number(value)}`);
  }

  /** The whole text. */
  toString(): string {
    return [...this.#families.values()].flat().map((line) => `${line}\n`).join("");
  }
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function number(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}
