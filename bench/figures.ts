/** What is measured of a server: the names are those of the load generator's JSON, where it is there. */
export type FigureName =
  | "per_second"
  | "p50_us"
  | "p99_us"
  | "all_answered_ms"
  | "mib_per_second"
  | "kib_per_connection"
  | "cpu_us"
  | "start_ms";

/** How a figure is shown, and which way is better. */
export interface Figure {
  label: string;
  unit: string;
  more_is_better: boolean;
}

/** All figures there are. */
export const FIGURES: Record<FigureName, Figure> = {
  per_second: { label: "", unit: "/s", more_is_better: true },
  p50_us: { label: "p50", unit: "µs", more_is_better: false },
  p99_us: { label: "p99", unit: "µs", more_is_better: false },
  all_answered_ms: { label: "", unit: "ms", more_is_better: false },
  mib_per_second: { label: "", unit: "MiB/s", more_is_better: true },
  kib_per_connection: { label: "", unit: "KiB", more_is_better: false },
  cpu_us: { label: "CPU", unit: "µs", more_is_better: false },
  start_ms: { label: "", unit: "ms", more_is_better: false },
};

/** How many times as good one value is as another: above 1 is better, whichever way that is. */
export function ratio(figure: FigureName, value: number, reference: number): number {
  return FIGURES[figure].more_is_better ? value / reference : reference / value;
}

/** A value for people to read. */
export function format_figure(figure: FigureName, value: number): string {
  const { label, unit } = FIGURES[figure];
  const digits = value.toLocaleString("en", { maximumSignificantDigits: 3 });
  return `${label} ${digits} ${unit}`.trim();
}
