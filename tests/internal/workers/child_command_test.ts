/** A child process has the permissions of its parent, and never one more. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Runs } from "../../fixtures/programs/deno_program.ts";
import type { Told } from "../../fixtures/programs/moving_program.ts";
import type { Permissions, Plan } from "../../fixtures/programs/permission_program.ts";
import { TempFolder } from "../../fixtures/tools/temp_folder.ts";
import { ending_of } from "../../fixtures/programs/programs.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url)).replace(/\/$/, "");
const PROGRAM = "tests/fixtures/programs/permission_program.ts";
const DENO = Deno.execPath();
/** With this `deno` first: another one may be only a script, which is refused. */
const PATH = `${dirname(DENO)}:${Deno.env.get("PATH")}`;
/** Elsewhere the lists of a command line are not known, and children have less. */
const ignore = Deno.build.os !== "linux";

// Where a path is needed that may be written to, it is /nowhere: Deno never lets a program write to
// another one that it may run, wherever that lies, nor to all of a folder in which it lies.

/** The least that the program needs. */
const LEAST = [`--allow-net=127.0.0.1`, `--allow-read=${ROOT}`, `--allow-run=${DENO}`];
const NET = LEAST[0]!;
const READ = LEAST[1]!;
const RUN = LEAST[2]!;

/** What the program and its child may do, run with these arguments of `deno`. */
async function permissions(args: string[], plan: Plan = {}, ...rest: string[]) {
  const { code, output, errors } = await ending_of(
    DENO,
    [...args, PROGRAM, JSON.stringify(plan), ...rest],
    { cwd: ROOT, env: { FOO_A: "a", NO_COLOR: "1", PATH } },
  );
  assertEquals(code, 0, errors);
  return JSON.parse(output) as Permissions;
}

/** What differs between the program and its child, but what a child never gets from a list: Deno. */
function differences({ parent, child }: Permissions): Record<string, string> {
  const names = Object.keys(parent).filter((name) => parent[name] !== child[name])
    .filter((name) => !is_deno(name) || child[name] !== "prompt" || parent.run === "granted");
  return Object.fromEntries(
    names.map((name) => [name, `parent: ${parent[name]}; child: ${child[name]}`]),
  );
}

function is_deno(query: string): boolean {
  return query === "run deno" || query === `run ${DENO}`;
}

/** What the child may do and the program may not. */
function excess({ parent, child }: Permissions): string[] {
  const strength = (state: string) => ["granted, partly", "granted"].indexOf(state);
  return Object.keys(parent).filter((name) => strength(child[name]!) > strength(parent[name]!));
}

/** Flags of `deno run` with which a child must have the same, and what the program must have. */
const FLAGS: Record<string, [flags: string[], witness: Record<string, string>]> = {
  "the least": [LEAST, { read: "prompt", "read /etc/hostname": "prompt" }],
  "-A": [["-A"], { run: "granted", ffi: "granted", import: "granted" }],
  "--allow-all": [["--allow-all"], { write: "granted" }],
  "-R -W -N=127.0.0.1 --allow-run": [["-R", "-W", "-N=127.0.0.1", "--allow-run"], {
    "write /nowhere": "granted",
    "net 127.0.0.1:80": "granted",
    "net example.com": "prompt",
  }],
  "-RWE": [["-RWE", NET, RUN], { "write /nowhere": "granted", env: "granted", sys: "prompt" }],
  "-RW=/nowhere": [["-RW=/nowhere", NET, "--allow-run"], {
    "read /etc/hostname": "granted",
    "write /nowhere": "granted",
    "write /etc/hostname": "prompt",
  }],
  "-RWNSIE": [["-RWNSIE", RUN], { import: "granted", sys: "granted", ffi: "prompt" }],
  "-q -RN": [["-q", "-RN", RUN], { net: "granted" }],
  "lists of each": [
    [
      `--allow-net=127.0.0.1,example.com:443,[::1]:80`,
      `${READ},/etc/hostname`,
      "--allow-write=/nowhere,./tests",
      RUN,
      "--allow-env=HOME,FOO_A",
      "--allow-sys=hostname",
      "--allow-ffi=/nowhere",
      "--allow-import=example.com",
    ],
    {
      "net example.com:443": "granted",
      "net example.com": "prompt",
      "net [::1]:80": "granted",
      "read /etc/hostname": "granted",
      "write /nowhere": "granted",
      "env FOO_A": "granted",
      "the value of FOO_A": "a",
      "env PATH": "prompt",
      "sys hostname": "granted",
      "sys uid": "prompt",
      "import jsr.io": "prompt",
    },
  ],
  "a list in two flags": [[...LEAST, "--allow-net=example.com", "-W=/nowhere", "-W=/etc"], {
    "net example.com": "granted",
    "write /etc/hostname": "granted",
  }],
  "--allow-run=deno": [[NET, READ, "--allow-run=deno"], { run: "prompt", "run deno": "granted" }],
  "--allow-run=deno, and all may be written": [["-W", NET, READ, "--allow-run=deno"], {
    "write": "granted, partly",
    [`write ${DENO}`]: "denied",
  }],
  "--allow-run=ls,deno": [[NET, READ, `${RUN},ls`], { "run ls": "granted" }],
  "--allow-run=ls,deno --allow-env": [[NET, READ, `${RUN},ls`, "-E"], { "run ls": "granted" }],
  "--allow-net=*.example.com": [[`${NET},*.example.com`, READ, RUN], {
    "net sub.example.com": "granted",
    "net sub.example.com:443": "granted",
    "net 10.1.2.3": "prompt",
  }],
  "--allow-net=10.0.0.0/8": [[`${NET},10.0.0.0/8`, READ, RUN], { "net 10.1.2.3": "granted" }],
  "--allow-env=FOO_*": [[...LEAST, "--allow-env=FOO_*"], {
    "env FOO_A": "granted",
    "env HOME": "prompt",
  }],
  "-A --deny-write": [["-A", "--deny-write"], { write: "denied" }],
  "-A --deny-write=/nowhere": [["-A", "--deny-write=/nowhere"], { "write /nowhere": "denied" }],
  "-A, and items of each denied": [
    [
      "-A",
      "--deny-read=/etc",
      "--deny-net=example.com,*.example.com,10.0.0.0/8",
      "--deny-env=FOO_*",
      "--deny-sys=hostname",
      "--deny-run=ls",
      "--deny-import=example.com",
      "--deny-ffi=/nowhere",
    ],
    {
      "read /etc/hostname": "denied",
      "net sub.example.com": "denied",
      "net 10.1.2.3": "denied",
      "env FOO_A": "denied",
      "run ls": "denied",
      "import example.com": "denied",
      "ffi /nowhere": "denied",
    },
  ],
  "--deny before --allow": [["--deny-read=/etc", "--deny-net=example.com", "-R", "-N", RUN], {
    "read /etc/hostname": "denied",
    "net example.com": "denied",
  }],
  "--allow-env --deny-env=HOME": [[...LEAST, "-E", "--deny-env=HOME"], { "env HOME": "denied" }],
  "*.example.com without one of them": [
    [`${NET},*.example.com`, "--deny-net=any.example.com", READ, RUN],
    { "net sub.example.com": "granted" },
  ],
  "10.0.0.0/8 without one of them": [
    [`${NET},10.0.0.0/8`, "--deny-net=10.0.0.0", READ, RUN],
    { "net 10.1.2.3": "granted" },
  ],
  "--ignore-read --ignore-env": [["-A", "--ignore-read=/etc", "--ignore-env=FOO_A"], {
    "the value of FOO_A": "unset",
  }],
  "-c FILE": [["-c", "deno.json", ...LEAST], {}],
  "-c FILE, and then a denial": [["-A", "-c", "deno.json", "--deny-read=/etc"], {
    "read /etc/hostname": "denied",
  }],
  "-Ac FILE": [["-Ac", "deno.json", "--deny-read=/etc"], { "read /etc/hostname": "denied" }],
  "--config=FILE": [["--config=deno.json", ...LEAST], {}],
  "--config FILE --unstable-net": [["--config", "deno.json", "--unstable-net", ...LEAST], {}],
  "--location URL": [["--location", "http://localhost/?a=b", ...LEAST, "-W=/nowhere"], {
    "write /nowhere": "granted",
  }],
  "--conditions NAME": [["-A", "--conditions", "x", "--deny-read=/etc"], {
    "read /etc/hostname": "denied",
  }],
  "--lock FILE": [["-A", "--lock", "deno.lock", "--deny-read=/etc"], {
    "read /etc/hostname": "denied",
  }],
  "--inspect-publish-uid VALUE": [["-A", "--inspect-publish-uid", "http", "--deny-read=/etc"], {
    "read /etc/hostname": "denied",
  }],
  "-L debug": [["-A", "-L", "info", "--deny-read=/etc"], { "read /etc/hostname": "denied" }],
};

for (const [name, [flags, witness]] of Object.entries(FLAGS)) {
  Deno.test(
    `child_command: a child has the same permissions with ${name}`,
    { ignore },
    async () => {
      const found = await permissions(["run", "--no-prompt", ...flags]);
      assert_holds(found.parent, witness);
      assertEquals(excess(found), []);
      assertEquals(differences(found), {});
    },
  );
}

function assert_holds(parent: Record<string, string>, witness: Record<string, string>): void {
  const names = Object.keys(witness);
  assertEquals(Object.fromEntries(names.map((name) => [name, parent[name]!])), witness);
}

/** Command lines without `deno run` at their beginning. */
const LINES: Record<string, string[]> = {
  "deno FLAGS FILE": ["-A", "--deny-read=/etc"],
  "deno -q run FLAGS FILE": ["-q", "run", "-A", "--deny-read=/etc"],
};
for (const [name, line] of Object.entries(LINES)) {
  Deno.test(
    `child_command: a child has the same permissions with ${name}`,
    { ignore },
    async () => {
      const found = await permissions(line);
      assertEquals(found.parent["read /etc/hostname"], "denied");
      assertEquals(excess(found), []);
      assertEquals(differences(found), {});
    },
  );
}

/** Permissions that the program gives up before it serves. */
const REVOKED: Record<string, [flags: string[], revoke: Plan["revoke"] & object]> = {
  "all of one, of -A": [["-A"], [{ name: "write" }]],
  "all of many, of -A": [
    ["-A"],
    [{ name: "ffi" }, { name: "sys" }, { name: "env" }, { name: "import" }],
  ],
  "all of one, of a list": [[...LEAST, "-W=/nowhere"], [{ name: "write" }]],
  "items of lists": [[...LEAST, "-W=/nowhere,/etc", "-E=FOO_A,HOME", "-S=hostname"], [
    { name: "write", path: "/nowhere" },
    { name: "env", variable: "HOME" },
    { name: "sys", kind: "hostname" },
  ]],
  "what is inside an item": [[...LEAST, "-W=/nowhere,/etc"], [
    { name: "write", path: "/etc/hostname" },
  ]],
  "members of a wildcard and of a network": [
    [`${NET},*.example.com,10.0.0.0/8`, READ, RUN, "-E=FOO_*"],
    [
      { name: "net", host: "sub.example.com" },
      { name: "net", host: "10.1.2.3" },
      { name: "env", variable: "FOO_A" },
    ],
  ],
  "a host, but not its port": [
    [`${NET},example.com,example.com:443`, READ, RUN],
    [{ name: "net", host: "example.com" }],
  ],
  "a port, but not its host": [
    [`${NET},example.com,example.com:443`, READ, RUN],
    [{ name: "net", host: "example.com:443" }],
  ],
  "what is imported by default": [LEAST, [{ name: "import" }]],
  "what was denied in part": [["-A", "--deny-write=/nowhere"], [{ name: "write" }]],
};
/** When that happens. */
const TIMES = { "before it serves": false, "while it serves": true };

for (const [time, late] of Object.entries(TIMES)) {
  for (const [name, [flags, revoke]] of Object.entries(REVOKED)) {
    Deno.test(`child_command: a child lacks what was revoked ${time}: ${name}`, {
      ignore,
    }, async () => {
      const found = await permissions(["run", "--no-prompt", ...flags], { revoke, late });
      assertEquals(excess(found), []);
      assertEquals(differences(found), {});
    });
  }
}

Deno.test("child_command: arguments of the script are no flags", { ignore }, async () => {
  const looks = ["--allow-write", "-A", "--", "--allow-all", "--deny-read"];
  const found = await permissions(["run", "--no-prompt", ...LEAST], {}, ...looks);
  assertEquals(found.parent.write, "prompt");
  assertEquals(differences(found), {});
});

/** Relative paths on a command line, and what the program says of one in another folder. */
const RELATIVE: Record<string, [flags: string[], witness: Record<string, string>]> = {
  "denied": [[NET, "-R", RUN, "-W", "--deny-write=tests"], {
    [`write ${ROOT}/tests/fixtures`]: "denied",
  }],
  "denied of all": [["-A", "--deny-read=docs"], { [`read ${ROOT}/docs`]: "denied" }],
  "allowed": [[NET, "-R", RUN, "-W=.,./tests", "--allow-ffi=.", "--allow-run=./nothing"], {
    [`write ${ROOT}/tests/fixtures`]: "granted",
    "write /nowhere": "prompt",
    "ffi /nowhere": "prompt",
  }],
};
for (const [time, late] of Object.entries(TIMES)) {
  for (const [name, [flags, witness]] of Object.entries(RELATIVE)) {
    Deno.test(
      `child_command: a child may do the same in another folder, gone to ${time}: ${name}`,
      {
        ignore,
      },
      async () => {
        const found = await permissions(["run", "--no-prompt", ...flags], { chdir: "/", late });
        assert_holds(found.parent, witness);
        assertEquals(excess(found), []);
        assertEquals(differences(found), {});
      },
    );
  }
}

/** Permission sets of a configuration, which no command line shows. */
const SETS: Record<string, unknown> = {
  "a list": { read: true, net: true, run: true, write: ["/nowhere"] },
  "a denied path": { read: true, net: true, run: true, write: { allow: true, deny: ["/etc"] } },
  "denials of all kinds": {
    read: true,
    net: { allow: true, deny: ["example.com"] },
    run: { allow: true, deny: ["ls"] },
    env: { allow: true, deny: ["FOO_A"] },
    sys: { allow: true, deny: ["uid"] },
    write: { allow: true, deny: ["/nowhere"] },
  },
};
for (const [name, set] of Object.entries(SETS)) {
  Deno.test(`child_command: a child has no more than a permission set with ${name}`, {
    ignore,
  }, async () => {
    await using folder = await TempFolder.make();
    const config = folder.join("deno.json");
    await Deno.writeTextFile(config, JSON.stringify({ permissions: { default: set } }));
    const found = await permissions(["run", "--no-prompt", "-P", "-c", config]);
    assert(found.parent.write !== "granted", "the permission set has no effect");
    assertEquals(found.child["write /nowhere"], "prompt");
    assertEquals(excess(found), []);
  });
}

Deno.test(
  "child_command: a child may not run Deno, whatever it is called",
  { ignore },
  async () => {
    await using folder = await TempFolder.make();
    const link = folder.join("linked");
    await Deno.symlink(DENO, link);
    // On the PATH of the child this is another one.
    await Deno.symlink(DENO, folder.join("ls"));
    const flags = ["--no-prompt", NET, READ, "-E", `--allow-run=deno,ls,linked,${link},${DENO}`];
    const programs = ["deno", "linked", "ls", link, DENO];
    const { code, output, errors } = await ending_of(
      DENO,
      ["run", ...flags, "tests/fixtures/programs/deno_program.ts", folder.path, ...programs],
      { cwd: ROOT, env: { NO_COLOR: "1", PATH: `${PATH}:${folder.path}` } },
    );
    assertEquals(code, 0, errors);
    const { ls, ...runs } = JSON.parse(output) as Runs;
    // The system's own, which knows no "eval".
    assertEquals(ls, ["granted", "ended with 2"]);
    for (const [program, [state, outcome]] of Object.entries(runs)) {
      assertEquals(state, "prompt", program);
      assertMatch(outcome, /^(NotCapable|NotFound)$/, program);
    }
  },
);

/** Two folders with files of the same names, and words in them that say from which they are. */
async function two_folders(folder: TempFolder): Promise<[here: string, there: string]> {
  for (const name of ["here", "there"]) {
    const path = folder.join(name);
    await Deno.mkdir(path);
    const leave = (what: string) => `(globalThis["loaded before"] ??= []).push("${what} ${name}");`;
    await write_files(path, {
      "pre.ts": leave("preloaded"),
      "required.cjs": leave("required"),
      "mapped.ts": `export default "${name}";`,
      "map.json": JSON.stringify({ imports: { mapped: "./mapped.ts" } }),
      "deno.json": JSON.stringify({ imports: { mapped: "./mapped.ts" } }),
      ".env": `FIRST=${name}\nSECOND=${name}\n`,
    });
  }
  return [folder.join("here"), folder.join("there")];
}

async function write_files(folder: string, files: Record<string, string>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(`${folder}/${name}`, text);
  }
}

const MODULES = ["--preload=./pre.ts", "--require", "./required.cjs", "--env-file"];
for (const [time, late] of Object.entries(TIMES)) {
  for (const how of ["--import-map=map.json", "--config=./deno.json"]) {
    Deno.test(`child_command: a child loads nothing from a folder gone to ${time}, with ${how}`, {
      ignore,
    }, async () => {
      await using folder = await TempFolder.make();
      const [here, there] = await two_folders(folder);
      const program = `${ROOT}/tests/fixtures/programs/moving_program.ts`;
      const { code, output, errors } = await ending_of(
        DENO,
        ["run", "-A", how, ...MODULES, program, there, String(late)],
        { cwd: here, env: { NO_COLOR: "1", PATH, NODE_OPTIONS: "--no-warnings" } },
      );
      assertEquals(code, 0, errors);
      const told: Told = {
        loaded: ["preloaded here", "required here"],
        mapped: "here",
        variables: ["here", null],
        has_options: false,
        folder: await Deno.realPath(there),
      };
      assertEquals(JSON.parse(output), told);
    });
  }
}

Deno.test("child_command: nothing is loaded with permissions that the program lacks", {
  ignore,
}, async () => {
  await using folder = await TempFolder.make();
  const traces = folder.join("traces");
  await Deno.mkdir(traces);
  const options = folder.join("options.cjs");
  await Deno.writeTextFile(
    options,
    `
    try { require("node:fs").writeFileSync(${JSON.stringify(traces)} + "/" + process.pid, ""); }
    catch {}
  `,
  );
  const { code, errors } = await ending_of(
    DENO,
    ["run", "--no-prompt", ...LEAST, "-E", `--allow-read=${folder.path}`, PROGRAM],
    { cwd: ROOT, env: { NO_COLOR: "1", PATH, NODE_OPTIONS: `--require ${options}` } },
  );
  assertEquals(code, 0, errors);
  assertEquals(await Array.fromAsync(Deno.readDir(traces)), []);
});
