/** A process of the fire as the system sees it (Linux). */
import { children_of, resident_of } from "../fixtures/programs/processes.ts";

export const MIB: number = 2 ** 20;

/** Bytes as whole MiB. */
export function mib(bytes: number): number {
  return Math.round(bytes / MIB);
}

/** What a process has. */
export interface Holdings {
  /** How many descriptors of each kind. */
  descriptors: Record<string, number>;
  /** How many threads of workers. */
  workers: number;
  /** The numbers of its children, and whether they are zombies. */
  children: { pid: number; is_zombie: boolean }[];
  /** Its memory, and that of its largest child, in bytes. */
  resident: number;
  largest_child: number;
}

export async function holdings_of(pid: number): Promise<Holdings> {
  const children = (await children_of(pid)).map((line) => {
    const [pid, state] = line.trim().split(/\s+/);
    return { pid: Number(pid), is_zombie: state!.startsWith("Z") };
  });
  return {
    descriptors: descriptors_of(pid),
    workers: workers_of(pid),
    children,
    resident: resident_of(pid),
    largest_child: Math.max(0, ...children.map(({ pid }) => memory_of(pid))),
  };
}

/** The number of all descriptors. */
export function sum_of(descriptors: Record<string, number>): number {
  return Object.values(descriptors).reduce((sum, count) => sum + count, 0);
}

function descriptors_of(pid: number): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { name } of Deno.readDirSync(`/proc/${pid}/fd`)) {
    try {
      const kind = Deno.readLinkSync(`/proc/${pid}/fd/${name}`).replaceAll(/\d+/g, "");
      counts[kind] = (counts[kind] ?? 0) + 1;
    } catch {
      // It is closed by now.
    }
  }
  return counts;
}

function workers_of(pid: number): number {
  return [...Deno.readDirSync(`/proc/${pid}/task`)].filter(({ name }) => {
    try {
      return Deno.readTextFileSync(`/proc/${pid}/task/${name}/comm`).startsWith("worker-");
    } catch {
      // It has just ended.
      return false;
    }
  }).length;
}

function memory_of(pid: number): number {
  try {
    return resident_of(pid);
  } catch {
    return 0;
  }
}
