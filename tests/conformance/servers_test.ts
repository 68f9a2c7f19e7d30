/** Cases 1 to 12: each server class answers; those that fork are in forking_test.ts. */
import {
  TCPServer,
  ThreadingTCPServer,
  ThreadingUDPServer,
  ThreadingUnixDatagramServer,
  ThreadingUnixStreamServer,
  UDPServer,
  UnixDatagramServer,
  UnixStreamServer,
} from "../../mod.ts";
import { with_native } from "../fixtures/servers/named_servers.ts";
import { echo_case, tcp, udp, unix, unix_datagram } from "./echo_cases.ts";

const ignore = Deno.build.os === "windows";

Deno.test("B1: TCPServer answers three clients, stops, and frees its port", async () => {
  await echo_case(tcp(TCPServer));
});

Deno.test("B2: ThreadingTCPServer answers three clients, stops, and leaves no worker", async () => {
  await echo_case(tcp(ThreadingTCPServer));
});

Deno.test("B4: UnixStreamServer answers three clients, stops, and frees its path", {
  ignore,
}, async () => {
  await echo_case(unix(UnixStreamServer));
});

Deno.test("B5: ThreadingUnixStreamServer answers three clients, stops, and leaves no worker", {
  ignore,
}, async () => {
  await echo_case(unix(ThreadingUnixStreamServer));
});

for (const Server of with_native([UDPServer])) {
  Deno.test(`B7: ${Server.name} answers three clients, stops, and frees its port`, async () => {
    await echo_case(udp(Server));
  });
}

for (const Server of with_native([ThreadingUDPServer])) {
  Deno.test(`B8: ${Server.name} answers three clients, stops, and leaves no worker`, async () => {
    await echo_case(udp(Server));
  });
}

Deno.test("B10: UnixDatagramServer answers three clients, stops, and frees its path", {
  ignore,
}, async () => {
  await echo_case(unix_datagram(UnixDatagramServer));
});

Deno.test("B11: ThreadingUnixDatagramServer answers three clients, stops, and leaves no worker", {
  ignore,
}, async () => {
  await echo_case(unix_datagram(ThreadingUnixDatagramServer));
});
