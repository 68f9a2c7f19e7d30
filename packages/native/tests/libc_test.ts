/** The numbers of `libc.ts`, as the C compiler has them. */
import { assertEquals } from "@std/assert";
import { is_there, output_of } from "../../../tests/fixtures/programs/programs.ts";
import { TempFolder } from "../../../tests/fixtures/tools/temp_folder.ts";
import { C, STRUCTS } from "../libc.ts";

const HEADERS = [
  "arpa/inet.h",
  "errno.h",
  "fcntl.h",
  "netdb.h",
  "netinet/in.h",
  "poll.h",
  "stddef.h",
  "stdio.h",
  "sys/eventfd.h",
  "sys/socket.h",
  "sys/uio.h",
];

/** What is compared: an expression of C's for each number of ours. */
function expressions(): [expression: string, ours: number][] {
  const structs = Object.entries(STRUCTS).flatMap(([name, { size, ...members }]) => [
    [`sizeof(struct ${name})`, size] as [string, number],
    ...Object.entries(members).map(([member, offset]): [string, number] => [
      `offsetof(struct ${name}, ${member})`,
      offset,
    ]),
  ]);
  return [...Object.entries(C), ...structs];
}

Deno.test({
  name: "cc: constants, sizes and offsets are those of the system's headers",
  ignore: Deno.build.os !== "linux" || !is_there("cc"),
  async fn() {
    await using folder = await TempFolder.make();
    const [source, program] = [folder.join("numbers.c"), folder.join("numbers")];
    const wanted = expressions();
    const lines = wanted.map(([expression]) => `printf("%ld\\n", (long)(${expression}));`);
    const includes = HEADERS.map((header) => `#include <${header}>`);
    const code = ["#define _GNU_SOURCE", ...includes, "int main(void) {", ...lines, "}", ""];
    await Deno.writeTextFile(source, code.join("\n"));
    await output_of("cc", ["-Wall", "-Werror", "-o", program, source]);
    const numbers = (await output_of(program, [])).trim().split("\n").map(Number);
    const theirs = wanted.map(([expression], at) => [expression, numbers[at]!]);
    assertEquals(theirs, wanted);
  },
});
