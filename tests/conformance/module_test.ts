/** What the module exports. */
import { assertEquals } from "@std/assert";
import * as mod from "../../mod.ts";

/** `socketserver.__all__` on POSIX. */
const PYTHON = [
  "BaseRequestHandler",
  "BaseServer",
  "DatagramRequestHandler",
  "ForkingMixIn",
  "ForkingTCPServer",
  "ForkingUDPServer",
  "ForkingUnixDatagramServer",
  "ForkingUnixStreamServer",
  "StreamRequestHandler",
  "TCPServer",
  "ThreadingMixIn",
  "ThreadingTCPServer",
  "ThreadingUDPServer",
  "ThreadingUnixDatagramServer",
  "ThreadingUnixStreamServer",
  "UDPServer",
  "UnixDatagramServer",
  "UnixStreamServer",
];

/** What Python has no name for, or has elsewhere. */
const OURS = [
  "AsyncMixIn",
  "AsyncTCPServer",
  "AsyncUDPServer",
  "AsyncUnixDatagramServer",
  "AsyncUnixStreamServer",
  "BufferedReader",
  "BufferedWriter",
  "DatagramSocket",
  "StreamSocket",
  "TlsError",
  "fake_request",
  "inherited_sockets",
];

Deno.test("B25: the module exports Python's names and those of the design, and no more", () => {
  assertEquals(Object.keys(mod).sort(), [...PYTHON, ...OURS].sort());
});

Deno.test("B25: what is exported has the name under which it is exported", () => {
  for (const [name, value] of Object.entries(mod)) assertEquals(value.name, name);
});
