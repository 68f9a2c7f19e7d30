/** Flags of Deno itself, which stand before the program. */
const OF_DENO = /^--?(A|allow-.*|deny-.*|unstable.*|watch.*|no-prompt|config|reload|inspect.*)$/;

/** How many letters of a name may be wrong. */
const LETTERS = 3;

/**
 * What to type in place of a flag that does not exist.
 *
 * @param typed What was typed, with its dashes.
 * @param names The names of the flags that there are, without dashes.
 */
export function suggestion(typed: string, names: string[]): string {
  if (OF_DENO.test(typed)) return "it is one of deno, and stands before the address of serve";
  const word = typed.replace(/^-+/, "").replaceAll("_", "-");
  const distances = names.map((name) => distance(word, name));
  const least = Math.min(...distances);
  const similar = least <= Math.min(LETTERS, word.length / 2)
    ? [names[distances.indexOf(least)]]
    : names.filter((name) => name.split("-").includes(word));
  if (similar.length === 0) return "serve --help all shows those that there are";
  return `did you mean ${similar.map((name) => `--${name}`).join(" or ")}?`;
}

/** How many letters are to be changed, added or left out to make one word of the other (Levenshtein). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (const [above, letter] of [...one].entries()) {
    const next = [above + 1];
    for (const [at, wanted] of [...other].entries()) {
      const changed = row[at]! + Number(letter !== wanted);
      next.push(Math.min(changed, row[at + 1]! + 1, next[at]! + 1));
    }
    row = next;
  }
  return row.at(-1)!;
}
