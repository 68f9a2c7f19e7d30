/** PROXY headers of proxies and clients that others wrote. */
import { assertEquals } from "@std/assert";
import { AsyncTCPServer, StreamRequestHandler } from "../../mod.ts";
import { LineClient } from "../fixtures/clients/clients.ts";
import { type Origin, OriginHandler } from "../fixtures/handlers/proxy_handlers.ts";
import { Haproxy } from "../fixtures/programs/haproxy.ts";
import { is_there, output_of } from "../fixtures/programs/programs.ts";
import { test_ways_at_once } from "../fixtures/servers/all_ways.ts";
import { serving } from "../fixtures/servers/serving.ts";
import { make } from "../fixtures/servers/tcp_servers.ts";

const has_haproxy = is_there("haproxy");
const HAPROXY = has_haproxy ? "haproxy" : "haproxy (missing)";

const BEHIND_PROXY = {
  proxy_protocol: "required",
  trusted_proxies: ["127.0.0.0/8"],
  // A busy machine is no slow proxy.
  proxy_timeout: Infinity,
  max_workers: 1,
  max_children: 1,
} as const;

for (
  const [words, version] of [
    ["send-proxy", 1],
    ["send-proxy-v2 proxy-v2-options crc32c,unique-id", 2],
  ] as const
) {
  test_ways_at_once(`${HAPROXY}, ${words}`, () => has_haproxy, async (way) => {
    await using server = serving(make(way, OriginHandler, BEHIND_PROXY));
    await using haproxy = await Haproxy.start(server.server_address, `${words} check inter 50ms`);
    for (let count = 0; count < 5; count++) {
      using client = await LineClient.connect(haproxy.address);
      const { line, client_address, local, proxy } = JSON.parse(
        (await client.ask(`number ${count}`))!,
      ) as Origin;
      const { hostname, port } = client.conn.localAddr as Deno.NetAddr;
      assertEquals(line, `number ${count}`);
      assertEquals(client_address, { transport: "tcp", hostname, port });
      assertEquals(local, { ...haproxy.address });
      assertEquals(proxy?.version, version);
      const ids = proxy?.tlvs.filter(([type]) => type === 5).map(([, id]) => id);
      assertEquals(ids, version === 2 ? [`${hostname}:${port}`] : []);
    }
    // Its checks have good headers, too.
    assertEquals(server.info().proxy_rejected, 0);
  });
}

/** Answers a request of HTTP with who has sent it. */
class WhoHandler extends StreamRequestHandler {
  override async handle(): Promise<void> {
    await this.rfile.readuntil("\r\n\r\n");
    const { version, command, peer } = this.request.proxy!;
    const told = { client: this.client_address, version, command, peer };
    await this.wfile.write(`HTTP/1.0 200 OK\r\n\r\n${JSON.stringify(told)}`);
  }
}

Deno.test({
  name: "curl, --haproxy-protocol",
  ignore: !is_there("curl"),
  async fn() {
    await using server = serving(new AsyncTCPServer(["127.0.0.1", 0], WhoHandler, BEHIND_PROXY));
    const url = `http://127.0.0.1:${server.server_address.port}/`;
    const { client, version, command, peer } = JSON.parse(
      await output_of("curl", ["--silent", "--max-time", "20", "--haproxy-protocol", url]),
    );
    assertEquals([version, command], [1, "PROXY"]);
    assertEquals(client, peer);
  },
});
