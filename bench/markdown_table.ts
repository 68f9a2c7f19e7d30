/** A column: its heading, and whether it holds numbers, which are put to the right. */
export interface Column {
  heading: string;
  numeric: boolean;
}

/** A table in Markdown, laid out as `deno fmt` would. */
export function markdown_table(columns: Column[], rows: string[][]): string {
  const widths = columns.map(({ heading }, at) =>
    Math.max(heading.length, ...rows.map((row) => row[at]!.length))
  );
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  const pad = (text: string, at: number) =>
    columns[at]!.numeric ? text.padStart(widths[at]!) : text.padEnd(widths[at]!);
  const rule = columns.map(({ numeric }, at) =>
    numeric ? `${"-".repeat(widths[at]! - 1)}:` : "-".repeat(widths[at]!)
  );
  const headings = columns.map(({ heading }, at) => pad(heading, at));
  return [line(headings), line(rule), ...rows.map((row) => line(row.map(pad)))].join("\n");
}
