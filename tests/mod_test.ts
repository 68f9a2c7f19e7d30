import { assertEquals } from "@std/assert";
import * as mod from "../mod.ts";

Deno.test("mod.ts exports what the README names, and no more", () => {
  assertEquals(Object.keys(mod).sort(), [
    "AsyncMixIn",
    "AsyncTCPServer",
    "BaseRequestHandler",
    "BaseServer",
    "BufferedReader",
    "BufferedWriter",
    "StreamRequestHandler",
    "StreamSocket",
    "TCPServer",
    "ThreadingMixIn",
    "ThreadingTCPServer",
  ]);
});

Deno.test("mod.ts: each server class has the name of its export", () => {
  for (const [name, value] of Object.entries(mod)) {
    if (name.endsWith("Server")) assertEquals(value.name, name);
  }
});
