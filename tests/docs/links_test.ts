/** The links of pages and of doc comments: each leads to something that is there, and README leads to each page. */
import { assertEquals } from "@std/assert";
import { posix } from "node:path";
import { ROOT } from "./blocks.ts";

/** What has no pages of its own: the history, and what is fetched or made. */
const NOT_OURS = [".git", "api", "coverage", "node_modules"];

/** The pages and modules of the project, by their paths from its folder. */
function files_in(folder = ""): string[] {
  return [...Deno.readDirSync(ROOT + folder)].flatMap(({ name, isDirectory }) => {
    if (isDirectory) return NOT_OURS.includes(name) ? [] : files_in(`${folder}${name}/`);
    return /\.(md|ts)$/.test(name) ? [folder + name] : [];
  });
}

/** The text that has links: a page without its code, or the comments of a module. */
function prose_of(path: string): string {
  const text = Deno.readTextFileSync(ROOT + path);
  const prose = path.endsWith(".md") ? text : text.match(/^ *\/\*\*[^]*?\*\//gm)?.join("\n") ?? "";
  return prose.replace(/^( *(?:\* )?)```[^]*?^\1```$/gm, "").replace(/`[^`\n]*`/g, "code");
}

/** Where the links of a file lead within the project, as they are written. */
function links_of(path: string): string[] {
  const prose = prose_of(path);
  const written = [...prose.matchAll(/\]\(([^)\s]+)\)/g), ...prose.matchAll(/src="([^"]+)"/g)];
  return written.map(([, link]) => link!).filter((link) => !/^[a-z]+:/.test(link));
}

/** The places in a page that a link can name, as GitHub makes them of headings. */
function anchors_of(path: string): Set<string> {
  const page = Deno.readTextFileSync(ROOT + path).replace(/^( *)```[^]*?^\1```$/gm, "");
  const anchors = new Set<string>();
  for (const [, heading] of page.matchAll(/^#+ (.*)$/gm)) {
    const plain = heading!.replace(/\]\([^)]*\)/g, "").toLowerCase();
    const name = plain.replace(/[^\p{L}\p{N}_ -]/gu, "").replaceAll(" ", "-");
    let anchor = name;
    for (let number = 1; anchors.has(anchor); number++) anchor = `${name}-${number}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** The file that a link leads to, and the place in it, if it names one. */
function target_of(from: string, link: string): [path: string, anchor: string | undefined] {
  const [path, anchor] = link.split("#");
  return [path === "" ? from : posix.join(posix.dirname(from), path!), anchor];
}

/** Whether there is what a link leads to. */
function leads_somewhere(from: string, link: string): boolean {
  const [path, anchor] = target_of(from, link);
  try {
    Deno.statSync(ROOT + path);
  } catch {
    return false;
  }
  return anchor === undefined || anchors_of(path).has(anchor);
}

Deno.test("each link of a page or doc comment leads to what is there", () => {
  const links = files_in().flatMap((from) => links_of(from).map((link) => ({ from, link })));
  assertEquals(links.filter(({ from, link }) => !leads_somewhere(from, link)), []);
  // It would find none in what it cannot read.
  assertEquals(links.some(({ link }) => link === "docs/limits.md#sigterm-and-ctrl-c"), true);
  assertEquals(leads_somewhere("README.md", "docs/limits.md#nothing"), false);
});

Deno.test("README.md has each page of docs/ in its list of pages, once", () => {
  const readme = Deno.readTextFileSync(`${ROOT}README.md`);
  const [section] = /^## Pages\n[^]*?(?=^## )/m.exec(readme)!;
  const named = [...section.matchAll(/^\| \[.*?\]\((docs\/[^)#]+)\)/gm)].map(([, path]) => path);
  const pages = files_in("docs/").filter((path) => path.endsWith(".md"));
  assertEquals(named.toSorted(), pages.toSorted());
});
