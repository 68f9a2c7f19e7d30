/** The memory that the system writes to. */
import { assert, assertEquals } from "@std/assert";
import { HAS_NATIVE } from "../../../tests/fixtures/servers/named_servers.ts";
import { LibcUser } from "../libc_user.ts";
import { Memory } from "../memory.ts";

Deno.test("a byte outside of a buffer is noticed, and none inside", { ignore: !HAS_NATIVE }, () => {
  using libc = new LibcUser();
  const memory = new Memory(libc.functions, [{ size: 100, count: 3 }, { size: 64, count: 1 }]);
  for (const { offset, size, count, stride } of memory.regions) {
    for (let at = offset; at < offset + count * stride; at += stride) {
      assertEquals(at % 64, 0);
      memory.bytes.fill(1, at, at + size);
      assert(memory.is_intact);
      for (const outside of [at - 1, at + size]) {
        const before = memory.bytes[outside]!;
        memory.bytes[outside] = 0;
        assert(!memory.is_intact, `at ${outside}`);
        memory.bytes[outside] = before;
      }
    }
  }
});

Deno.test("the address of memory is where its bytes are", { ignore: !HAS_NATIVE }, () => {
  using libc = new LibcUser();
  const memory = new Memory(libc.functions, [{ size: 8, count: 1 }]);
  const at = memory.regions[0]!.offset;
  libc.functions.copy_out(memory.address + BigInt(at), new Uint8Array([1, 2, 3]), 3n);
  assertEquals([...memory.bytes.subarray(at, at + 3)], [1, 2, 3]);
  const copy = new Uint8Array(3);
  libc.functions.copy_in(copy, memory.address + BigInt(at), 3n);
  assertEquals([...copy], [1, 2, 3]);
});
