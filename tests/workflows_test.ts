/** What runs where a release is published: whoever has its token can publish. */
import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { refuse_old_deno } from "../internal/runtime/deno_internals.ts";

const FOLDER = new URL("../.github/workflows/", import.meta.url);

/** Each workflow, by the name of its file. */
const WORKFLOWS = [...Deno.readDirSync(FOLDER)].map(({ name }) =>
  [name, Deno.readTextFileSync(new URL(name, FOLDER))] as const
);

/** The oldest Deno that is taken, as the library itself says. */
const [, OLDEST] = / ([\d.]+) or newer/.exec(
  assertThrows(() => refuse_old_deno("0"), Error).message,
)!;

/** The jobs of a workflow: what is indented below its `jobs:`. */
function jobs_of(text: string): string[] {
  return text.slice(text.indexOf("\njobs:\n") + 7).split(/^(?= {2}\w)/m);
}

for (const [name, text] of WORKFLOWS) {
  Deno.test(`${name} names each action by its commit, and keeps no credentials`, () => {
    for (const [, action] of text.matchAll(/uses: (.*)/g)) {
      assertMatch(action!, /^[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    }
    const checkouts = text.match(/uses: actions\/checkout@.*(\n {8}.*)*/g) ?? [];
    for (const checkout of checkouts) assertMatch(checkout, /\n {10}persist-credentials: false$/m);
  });

  Deno.test(`${name} gives a token only to a job that does nothing but publish`, () => {
    const [head] = text.split("\njobs:\n");
    assertMatch(head!, /^permissions:\n {2}contents: read\n(?! )/m);
    for (const job of jobs_of(text).filter((job) => job.includes("id-token"))) {
      assertMatch(job, /^ {4}needs: test$/m);
      assertMatch(job, /^ {4}environment: \w+/m);
      const steps = [...job.matchAll(/(?:uses|run): ([^@\n]+)/g)].map(([, step]) => step);
      assertEquals(steps, [
        "actions/checkout",
        "denoland/setup-deno",
        "deno publish",
        "deno publish",
        "deno publish",
        "deno publish",
      ]);
    }
  });
}

/** The text of a workflow. */
function workflow(name: string): string {
  return WORKFLOWS.find(([found]) => found === name)![1];
}

Deno.test("ci.yml tests with the oldest Deno that is taken, the newest, and canary, on each system", () => {
  const job = jobs_of(workflow("ci.yml")).find((job) => job.startsWith("  test:"))!;
  assertMatch(job, /^ {8}os: \[ubuntu-latest, macos-latest, windows-latest\]$/m);
  assertMatch(job, new RegExp(`^ {8}deno: \\[${OLDEST}, v2\\.x, canary\\]`, "m"));
  assertMatch(job, /^ {10}deno-version: \$\{\{ matrix\.deno \}\}$/m);
  // Canary may fail, and nothing else.
  assertMatch(job, /^ {4}continue-on-error: \$\{\{ matrix\.deno == 'canary' \}\}$/m);
});

Deno.test("the Deno of the workflows is the oldest that is taken", () => {
  for (const [, text] of WORKFLOWS) {
    const versions = [...text.matchAll(/deno-version: (\d\S*)/g)].map(([, version]) => version);
    assertEquals(versions.filter((version) => version !== OLDEST), []);
  }
});
