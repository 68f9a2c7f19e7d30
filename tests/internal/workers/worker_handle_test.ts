/** A worker as the pool's thread sees it: which jobs are whose, and the descriptors with them. */
import { assert, assertEquals } from "@std/assert";
import type net from "node:net";
import { Duplex } from "node:stream";
import { ClaimCounter } from "../../../internal/workers/claim_counter.ts";
import type { Job, JobOutcome } from "../../../internal/workers/job.ts";
import type { ToWorker } from "../../../internal/workers/messages.ts";
import { PoolPipe } from "../../../internal/workers/result_pipe.ts";
import { WorkerHandle } from "../../../internal/workers/worker_handle.ts";
import type { HostEvents, WorkerHost } from "../../../internal/workers/worker_host.ts";
import { detach } from "../../../server/sockets/stream_socket.ts";
import { accepted_pair } from "../../fixtures/clients/pairs.ts";
import { soon, turn } from "../../fixtures/tools/waiting.ts";

type SentJobs = Extract<ToWorker, { type: "jobs" }>;
type Start = Extract<ToWorker, { type: "start" }>;

/** A worker of which nothing is there but what it is sent. */
class QuietHost implements WorkerHost {
  readonly name = "A quiet worker";
  readonly shares_memory: boolean;
  readonly pipe?: PoolPipe;
  readonly sent: ToWorker[] = [];
  #events: HostEvents;

  constructor(events: HostEvents, pipe?: PoolPipe) {
    this.#events = events;
    this.shares_memory = pipe === undefined;
    if (pipe) this.pipe = pipe;
  }

  post(messages: ToWorker[]): void {
    this.sent.push(...messages);
  }

  kill(): void {
    this.#events.ended(undefined);
  }

  ref(): void {}
  unref(): void {}
}

function worker_with(pipe?: PoolPipe): { worker: WorkerHandle; host: QuietHost } {
  let host!: QuietHost;
  const worker = new WorkerHandle(
    1,
    (_id, events) => host = new QuietHost(events, pipe),
    { service: "data:,", settings: undefined },
    { call() {}, report() {} },
    { noun: "job", keeps_running: false, is_serial: pipe !== undefined },
  );
  return { worker, host };
}

function job(message: string, fd?: number): Job {
  return {
    message,
    is_plain: true,
    is_over: false,
    ...(fd !== undefined && { fd }),
    check() {},
    settled() {},
  };
}

/** The claims of a worker that shares memory, as that has them. */
function claims_of({ sent }: QuietHost): ClaimCounter {
  return new ClaimCounter((sent[0] as Start).claims);
}

/** A pipe by which a worker answers that it has begun the first job. */
function pipe_with_first_begun(): PoolPipe {
  const answering = new Duplex({
    read() {},
    write(_asked, _encoding, done) {
      this.push("1\n");
      done();
    },
  });
  return new PoolPipe(Object.assign(answering, { unref() {} }) as unknown as net.Socket);
}

for (const kind of ["thread", "process"]) {
  Deno.test(`WorkerHandle: a job that it gets while others are taken back from it stays (${kind})`, async () => {
    const { worker, host } = worker_with(kind === "process" ? pipe_with_first_begun() : undefined);
    const outcomes: [unknown, JobOutcome][] = [];
    const back = Promise.withResolvers<void>();
    const over = ({ message }: Job, _worker: WorkerHandle, outcome: JobOutcome) => {
      outcomes.push([message, outcome]);
      // So does a pool: there is room in it now.
      if (message === "second") worker.run(job("next"), over);
      back.resolve();
    };
    for (const message of ["first", "second"]) worker.run(job(message), over);
    await turn();
    if (kind === "thread") assert(claims_of(host).take(0));
    worker.recall();
    await soon(back.promise);
    await turn();
    assertEquals(outcomes, [["second", "recalled"]]);
    assertEquals(worker.active, 2);
    if (kind === "thread") {
      const [, message, claim] = (host.sent.at(-1) as SentJobs).jobs.at(-1)!;
      assertEquals(message, "next");
      assert(claims_of(host).take(claim!), "it can be taken once, here");
    }
    worker.kill(undefined);
  });
}

/** A descriptor of a connection, and its peer. */
async function connection(): Promise<{ fd: number; peer: Deno.TcpConn }> {
  const { socket, peer } = await accepted_pair();
  return { fd: detach(socket)!.fd, peer };
}

Deno.test({
  name:
    "WorkerHandle: what a thread took is closed when it has ended, and what it did not take is not",
  ignore: Deno.build.os === "windows",
}, async () => {
  const [taken, untaken] = [await connection(), await connection()];
  using taken_peer = taken.peer;
  using untaken_peer = untaken.peer;
  const { worker, host } = worker_with();
  const outcomes: JobOutcome[] = [];
  const over = (_job: Job, _worker: WorkerHandle, outcome: JobOutcome) => {
    outcomes.push(outcome);
  };
  worker.run(job("taken", taken.fd), over);
  worker.run(job("untaken", untaken.fd), over);
  // It ends before it opens what it took.
  assert(claims_of(host).take(0));
  worker.kill(undefined);
  assertEquals((await soon(worker.ended)).lost, 1);
  assertEquals(outcomes[0], "recalled");
  const bytes = new Uint8Array(1);
  assertEquals(await soon(taken_peer.read(bytes)), null);

  // Another worker gets it, and ends, too.
  const other = worker_with();
  other.worker.run(job("untaken", untaken.fd), over);
  assert(claims_of(other.host).take(0));
  let is_over = false;
  const end = untaken_peer.read(bytes).finally(() => is_over = true);
  await turn();
  assert(!is_over, "it was closed with the worker that had not taken it");
  other.worker.kill(undefined);
  assertEquals(await soon(end), null);
});
