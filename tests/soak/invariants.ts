/** What must hold: all the time, and where nothing is under way. Each gives what is wrong, in words. */
import type { ServerInfo, WorkerInfo } from "../../mod.ts";
import type { Company } from "./company.ts";
import { type Holdings, MIB, mib, sum_of } from "./machine.ts";
import type { Place } from "./place.ts";
import type { Report, ServerReport } from "./program.ts";

/** How much more there may be than at the first rest. What a leak adds grows without end. */
export const GROWTH = {
  descriptors: 6,
  heap: 4 * MIB,
  resident: 400 * MIB,
  child: 250 * MIB,
};

/** What is looked at. */
export interface Look {
  company: Company;
  report: Report;
  holdings: Holdings;
  /** The same at the first rest; `undefined` before it. */
  base: Base | undefined;
}

/** What a program has at its first rest. */
export interface Base {
  report: Report;
  holdings: Holdings;
}

/** Complaints about one server. */
type OfServer = (place: Place, report: ServerReport) => (string | false)[];
/** Complaints about a program. */
type OfProgram = (look: Look) => (string | false)[];

/** What holds of each server at any time. */
export const ALWAYS: Record<string, OfServer> = {
  "nothing unexpected is told": (_, { account }) => account.faults,
  "counters add up": (_, { info }) => {
    const refused = Object.values(info.refused_by).reduce((sum, count) => sum + count, 0);
    return [
      refused !== info.refused && `refused ${info.refused}, by reasons ${refused}`,
      info.waiting < 0 && `waiting ${info.waiting}`,
      info.active < 0 && `active ${info.active}`,
    ];
  },
  "an event for each outcome": (_, { info, account }) =>
    OUTCOMES.map((outcome) => {
      const told = account.outcomes[outcome] ?? 0;
      return told !== info[outcome] && `${outcome} ${info[outcome]}, events ${told}`;
    }),
};

const OUTCOMES = ["completed", "failed", "refused", "timed_out"] as const;

/** What holds of each server at rest. */
export const AT_REST: Record<string, OfServer> = {
  "nothing is under way": (_, { info, account, jobs, line }) => [
    info.active !== 0 && `active ${info.active}`,
    info.waiting !== 0 && `waiting ${info.waiting}`,
    account.open.request !== 0 && `${account.open.request} request.start without stop`,
    account.open.handshake !== 0 && `${account.open.handshake} handshake.start without stop`,
    account.open.worker !== (info.workers?.length ?? 0) &&
    `${info.workers?.length} workers, events ${account.open.worker}`,
    jobs.taken !== 0 && `${jobs.taken} jobs taken`,
    jobs.getters !== 0 && `${jobs.getters} wait for a job, of which there are ${jobs.size}`,
    line.size !== 0 && `${line.size} items not got`,
    line.putters !== 0 && `${line.putters} wait for room`,
  ],
  // One that is on its way to a worker is in none of the counts.
  "what was put was taken": (_, { jobs, line }) =>
    [jobs, line].map(({ put, got, done, dropped, size, taken }) =>
      put !== got + done + dropped + size + taken &&
      `put ${put}, got ${got}, done ${done}, dropped ${dropped}, size ${size}, taken ${taken}`
    ),
  "nobody holds a lock": (_, { is_free }) => [
    is_free === false && "the lock, or a place in the room, cannot be had",
  ],
  "clients and server have the same sums": (place, { info, account, jobs, value }) => [
    ...sums_of_place(place, info),
    place.thrown > (account.errors.Planned ?? 0) && !place.member.is_mistreated &&
    `${place.thrown} errors were thrown, ${account.errors.Planned ?? 0} reported`,
    ...between("counted", place.numbers.counted.size, value, place.asked.count),
    jobs.put > place.asked.job && `jobs put ${jobs.put}, asked ${place.asked.job}`,
    jobs.dropped > 0 && `jobs dropped ${jobs.dropped}`,
  ],
  "the clock of the machine ends nothing": ({ troupe }, { info }) => [
    troupe === "faked" && info.timed_out > 0 && `timed out ${info.timed_out}`,
  ],
};

/** What servers of streams and their clients both count. */
function sums_of_place(place: Place, info: ServerInfo): (string | false)[] {
  const { connects, polite, thrown, sent, received, member } = place;
  const is_killed = member.is_mistreated || place.troupe === "children";
  const is_plain = !member.is_secured && !member.is_proxied && place.is_stream;
  return [
    ...between("accepted", polite, info.accepted, connects),
    // Some have quit in the moment in which they were cut.
    info.completed + info.timed_out + (is_killed ? info.failed : 0) < polite &&
    `${polite} have quit, completed ${info.completed}, timed out ${info.timed_out}`,
    info.failed + info.timed_out < thrown &&
    `threw ${thrown}, failed ${info.failed}, timed out ${info.timed_out}`,
    is_plain && (info.bytes_in ?? 0) > sent && `bytes in ${info.bytes_in}, sent ${sent}`,
    is_plain && !is_killed && (info.bytes_out ?? 0) < received &&
    `bytes out ${info.bytes_out}, received ${received}`,
  ];
}

function between(what: string, least: number, count: number, most: number): (string | false)[] {
  return [(count < least || count > most) && `${what} ${count}, and not ${least} to ${most}`];
}

/** What holds of each program at rest. */
export const OF_PROGRAM: Record<string, OfProgram> = {
  "pools are idle": ({ report: { pool } }) => [
    pool.waiting !== 0 && `${pool.waiting} tasks wait`,
    pool.running !== 0 && `${pool.running} tasks run`,
  ],
  "no thread is left over": ({ report, holdings }) => {
    const expected = workers_of(report).filter(({ pid }) => pid === undefined).length;
    return [holdings.workers !== expected && `${holdings.workers} threads, workers ${expected}`];
  },
  "no child is left over": ({ report, holdings: { children } }) => {
    const known = workers_of(report).flatMap(({ pid }) => pid ?? []).sort();
    const found = children.map(({ pid }) => pid).sort();
    return [
      children.some(({ is_zombie }) => is_zombie) && "a zombie",
      `${known}` !== `${found}` && `children ${found}, workers ${known}`,
    ];
  },
  "no descriptor is left over": ({ holdings, base }) => {
    if (!base) return [];
    const [now, then] = [sum_of(holdings.descriptors), sum_of(base.holdings.descriptors)];
    return [
      now > then + GROWTH.descriptors &&
      `${then} became ${now}: ${difference(base.holdings.descriptors, holdings.descriptors)}`,
    ];
  },
  "memory does not grow": ({ report, holdings, base }) => {
    if (!base) return [];
    return [
      grown("heap", base.report.heap!, report.heap!, GROWTH.heap),
      grown("resident", base.holdings.resident, holdings.resident, GROWTH.resident),
      grown(
        "a child",
        Math.max(base.holdings.largest_child, 60 * MIB),
        holdings.largest_child,
        GROWTH.child,
      ),
    ];
  },
};

/** All that there are, of servers and of the pool. */
export function workers_of({ servers, pool }: Report): WorkerInfo[] {
  return [...Object.values(servers).flatMap(({ info }) => info.workers ?? []), ...pool.workers];
}

function grown(what: string, then: number, now: number, most: number): string | false {
  return now > then + most && `${what}: ${mib(then)} MiB became ${mib(now)}`;
}

function difference(then: Record<string, number>, now: Record<string, number>): string {
  return Object.keys(now).filter((kind) => now[kind] !== then[kind])
    .map((kind) => `${kind} ${then[kind] ?? 0} became ${now[kind]}`).join(", ");
}
