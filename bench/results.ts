import { type FigureName, ratio } from "./figures.ts";
import { median } from "./median.ts";
import type { Peer, Reference } from "./peers.ts";
import type { Workload } from "./workloads.ts";

/** What one turn of a server at a workload gave. */
export type Sample = Partial<Record<FigureName, number>> & { errors: number; lost?: number };

/** A row of the table: a figure of a server at a workload. */
export interface Row {
  workload: string;
  server: string;
  figure: FigureName;
  /** The median of the samples. */
  value: number;
  /** How many times as good it is as the bare loop; `null` where that was not measured. */
  to_bare: number | null;
  /** How many times as good it is as CPython; `null` where that was not measured. */
  to_cpython: number | null;
  /** How many times as good it is as Go; `null` where that was not measured. */
  to_go: number | null;
  /** Lost connections, lost datagrams and wrong replies, of all turns. */
  errors: number;
  /** The value of each turn, in the order of time. */
  samples: number[];
}

/** Collects what was measured, and makes the rows of the table from it. */
export class Results {
  #samples: Map<Workload, Map<Peer, Sample[]>> = new Map();

  add(workload: Workload, peer: Peer, sample: Sample): void {
    const peers = this.#samples.get(workload) ?? new Map<Peer, Sample[]>();
    this.#samples.set(workload, peers.set(peer, [...peers.get(peer) ?? [], sample]));
  }

  /** The rows, in the order in which workloads, figures and servers were first measured. */
  get rows(): Row[] {
    return [...this.#samples].flatMap(([workload, peers]) =>
      workload.figures.flatMap((figure) =>
        [...peers].filter(([, samples]) => values_of(figure, samples).length > 0).map((
          [peer, samples],
        ) => ({
          workload: workload.name,
          server: peer.name,
          figure,
          value: median(values_of(figure, samples)),
          to_bare: median_ratio(figure, samples, samples_of("bare", peers)),
          to_cpython: median_ratio(figure, samples, samples_of("cpython", peers)),
          to_go: median_ratio(figure, samples, samples_of("go", peers)),
          errors: samples.reduce((sum, { errors, lost = 0 }) => sum + errors + lost, 0),
          samples: values_of(figure, samples),
        }))
      )
    );
  }
}

function samples_of(reference: Reference, peers: Map<Peer, Sample[]>): Sample[] | undefined {
  return [...peers].find(([peer]) => peer.reference === reference)?.[1];
}

function values_of(figure: FigureName, samples: Sample[]): number[] {
  return samples.flatMap((sample) => sample[figure] ?? []);
}

/** The median of the ratios of each turn, without those that failed: what slowed a whole turn down is not in it. */
function median_ratio(
  figure: FigureName,
  samples: Sample[],
  references: Sample[] = [],
): number | null {
  const ratios = samples.flatMap((sample, turn) => {
    const { [figure]: value } = sample;
    const { [figure]: base } = references[turn] ?? {};
    return value && base ? ratio(figure, value, base) : [];
  });
  return ratios.length > 0 ? median(ratios) : null;
}
