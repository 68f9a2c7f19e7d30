import { format_figure } from "./figures.ts";
import { type Column, markdown_table } from "./markdown_table.ts";
import type { Row } from "./results.ts";

/** What a run of the benchmark tells: printed as it is with --json. */
export interface Report {
  /** Names and versions. */
  runtimes: string[];
  cores: number;
  generator: string;
  rounds: number;
  seconds: number;
  /** Servers and workloads that were left out, with the reason. */
  skipped: string[];
  rows: Row[];
}

const COLUMNS: Column[] = [
  { heading: "workload", numeric: false },
  { heading: "server", numeric: false },
  { heading: "figure", numeric: true },
  { heading: "to bare loop", numeric: true },
  { heading: "to CPython", numeric: true },
  { heading: "to Go", numeric: true },
];

/** The report for people to read. */
export function format_report({ rows, skipped, ...run }: Report): string {
  const conditions = `${run.runtimes.join(", ")}; ${run.cores} cores, shared with the load ` +
    `generator (${run.generator}); medians of ${run.rounds} × ${run.seconds} s.`;
  const parts = [conditions, markdown_table(COLUMNS, rows.map(cells_of))];
  if (skipped.length > 0) parts.push(`Left out: ${skipped.join("; ")}.`);
  return parts.join("\n\n");
}

function cells_of({ workload, server, figure, value, errors, ...to }: Row): string[] {
  const failed = errors === 0 ? "" : ` (${errors} errors)`;
  return [
    workload,
    server,
    format_figure(figure, value) + failed,
    format_ratio(to.to_bare),
    format_ratio(to.to_cpython),
    format_ratio(to.to_go),
  ];
}

function format_ratio(ratio: number | null): string {
  return ratio?.toFixed(2) ?? "";
}
