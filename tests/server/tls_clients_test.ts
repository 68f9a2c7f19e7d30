/** TLS with clients that others wrote. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { AsyncTCPServer, AsyncUnixStreamServer, StreamRequestHandler } from "../../mod.ts";
import { file, FOR_CLIENTS, LOCALHOST, pem } from "../fixtures/certificates/certificates.ts";
import { StartTlsHandler, TlsHandler } from "../fixtures/handlers/tls_handlers.ts";
import { ending_of, is_there, output_of } from "../fixtures/programs/programs.ts";
import { Noting } from "../fixtures/servers/noting.ts";
import { serving } from "../fixtures/servers/serving.ts";
import { make_tls, test_tls } from "../fixtures/servers/tls_servers.ts";
import { TempFolder } from "../fixtures/tools/temp_folder.ts";

const CA = fileURLToPath(file("ca.crt"));
const has_openssl = is_there("openssl");
const OPENSSL = has_openssl ? "openssl" : "openssl (missing)";
const has_python = is_there("python3");

/** What `openssl s_client` prints and says: the server must have a good certificate, and end cleanly. */
function s_client(args: string[], input: string) {
  const checked = ["-CAfile", CA, "-verify_return_error", "-quiet", ...args];
  return ending_of("openssl", ["s_client", ...checked], { input });
}

for (const version of ["1_2", "1_3"]) {
  test_tls(`${OPENSSL} over TLS ${version.replace("_", ".")}`, async (way) => {
    if (!has_openssl) return;
    await using server = serving(make_tls(way, TlsHandler));
    const { port } = server.server_address;
    const args = ["-connect", `127.0.0.1:${port}`, "-servername", "localhost", `-tls${version}`];
    const { output, errors } = await s_client(args, "hello\ntls\nquit\n");
    assertStringIncludes(output, "hello\n", errors);
    assertStringIncludes(output, `"protocol":"TLSv${version.replace("_", ".")}"`);
    assertEquals(errors.includes("unexpected eof"), false, errors);
  });
}

Deno.test({
  name: "openssl: what is older than TLS 1.2, or than min_version, is refused",
  ignore: !has_openssl,
  async fn() {
    for (const [min_version, flag] of [["TLSv1.2", "-tls1_1"], ["TLSv1.3", "-tls1_2"]] as const) {
      const tls = { ...LOCALHOST, min_version };
      await using server = serving(
        new (Noting(AsyncTCPServer))(["127.0.0.1", 0], TlsHandler, { tls }),
      );
      const at = `127.0.0.1:${(server.server_address as Deno.NetAddr).port}`;
      // OpenSSL itself speaks the old ones only at its lowest level.
      const { code } = await s_client(["-connect", at, flag, "-cipher", "ALL:@SECLEVEL=0"], "x\n");
      assertEquals(code, 1);
      const good = await s_client(["-connect", at], "hello\nquit\n");
      assertEquals(good.output, "hello\n", good.errors);
    }
  },
});

Deno.test({
  name: "openssl over a Unix socket, -unix",
  ignore: !has_openssl,
  async fn() {
    await using folder = await TempFolder.make();
    const path = folder.join("tls.sock");
    await using _server = serving(new AsyncUnixStreamServer(path, TlsHandler, { tls: LOCALHOST }));
    const { output, errors } = await s_client(["-unix", path], "hello\nquit\n");
    assertEquals(output, "hello\n", errors);
  },
});

test_tls(`${OPENSSL} s_client -starttls smtp`, async (way) => {
  if (!has_openssl) return;
  await using server = serving(make_tls(way, StartTlsHandler, { tls: null }));
  const at = ["-connect", `127.0.0.1:${server.server_address.port}`, "-starttls", "smtp"];
  const { output, errors } = await s_client(at, "HELLO\nQUIT\n");
  assertStringIncludes(output, "250 HELLO TLSv1.3\r\n", errors);
  assertStringIncludes(output, "221 bye\r\n");
});

const SMTP = fileURLToPath(new URL("../fixtures/clients/smtp.py", import.meta.url));

Deno.test({
  name: "Python's smtplib, starttls()",
  ignore: !has_python,
  async fn() {
    const Server = Noting(AsyncTCPServer);
    await using server = serving(new Server(["127.0.0.1", 0], StartTlsHandler));
    const { port } = server.server_address as Deno.NetAddr;
    assertEquals(await output_of("python3", [SMTP, String(port), CA]), "True\nHELLO TLSv1.3\n");
  },
});

/** Answers a request of HTTP with who has sent it. */
class WhoHandler extends StreamRequestHandler {
  override async handle(): Promise<void> {
    await this.rfile.readuntil("\r\n\r\n");
    const { alpn_protocol, peer_certificate } = this.request.tls!;
    await this.wfile.write(`HTTP/1.0 200 OK\r\n\r\n${alpn_protocol} ${peer_certificate?.subject}`);
  }
}

Deno.test({
  name: "curl, with a certificate and a protocol of HTTP",
  ignore: !is_there("curl"),
  async fn() {
    const tls = { ...FOR_CLIENTS, alpn_protocols: ["http/1.1"] };
    await using server = serving(new AsyncTCPServer(["127.0.0.1", 0], WhoHandler, { tls }));
    const url = `https://localhost:${server.server_address.port}/`;
    const [cert, key] = ["client.crt", "client.key"].map((name) => fileURLToPath(file(name)));
    const args = ["--silent", "--max-time", "20", "--cacert", CA, "--cert", cert!, "--key", key!];
    assertEquals(await output_of("curl", [...args, url]), "http/1.1 CN=client");
    assert(pem("client.crt") !== "");
  },
});
