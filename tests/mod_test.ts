import { assertEquals } from "@std/assert";
import * as mod from "../mod.ts";

Deno.test("mod.ts exports what the README names, and no more", () => {
  assertEquals(Object.keys(mod).sort(), [
    "AsyncMixIn",
    "AsyncTCPServer",
    "AsyncUDPServer",
    "AsyncUnixDatagramServer",
    "AsyncUnixStreamServer",
    "BaseRequestHandler",
    "BaseServer",
    "BufferedReader",
    "BufferedWriter",
    "DatagramRequestHandler",
    "DatagramSocket",
    "ForkingMixIn",
    "ForkingTCPServer",
    "ForkingUDPServer",
    "ForkingUnixDatagramServer",
    "ForkingUnixStreamServer",
    "StreamRequestHandler",
    "StreamSocket",
    "TCPServer",
    "ThreadingMixIn",
    "ThreadingTCPServer",
    "ThreadingUDPServer",
    "ThreadingUnixDatagramServer",
    "ThreadingUnixStreamServer",
    "UDPServer",
    "UnixDatagramServer",
    "UnixStreamServer",
  ]);
});

Deno.test("mod.ts: each server class has the name of its export", () => {
  for (const [name, value] of Object.entries(mod)) {
    if (name.endsWith("Server")) assertEquals(value.name, name);
  }
});
