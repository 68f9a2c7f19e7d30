import { assertEquals } from "@std/assert";
import { DescriptorTable } from "../../../internal/runtime/descriptor_table.ts";

Deno.test("DescriptorTable tells, over shared memory, what was opened and not closed", () => {
  const server = new DescriptorTable();
  const worker = new DescriptorTable(server.memory);
  assertEquals([...server.left()], []);
  for (const fd of [0, 7, 8, 1_000_000]) worker.opened(fd);
  worker.closing(7);
  assertEquals([...server.left()], [0, 8, 1_000_000]);
});

Deno.test("DescriptorTable has nothing against descriptors beyond its room", () => {
  const table = new DescriptorTable();
  table.opened(2 ** 20);
  assertEquals([...table.left()], []);
});
