/** What runs where a release is published: whoever has its token can publish. */
import { assertEquals, assertMatch } from "@std/assert";

const FOLDER = new URL("../.github/workflows/", import.meta.url);

/** Each workflow, by the name of its file. */
const WORKFLOWS = [...Deno.readDirSync(FOLDER)].map(({ name }) =>
  [name, Deno.readTextFileSync(new URL(name, FOLDER))] as const
);

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
