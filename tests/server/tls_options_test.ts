/** What is checked of TLS when a server is made. */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { AsyncTCPServer, type TlsOptions } from "../../mod.ts";
import { load_tls } from "../../server/sockets/tls_material.ts";
import { file, LOCALHOST, pair, pem } from "../fixtures/certificates/certificates.ts";
import { TlsHandler } from "../fixtures/handlers/tls_handlers.ts";
import { StandardError } from "../fixtures/tools/standard_error.ts";

const ENCRYPTED = { cert: file("localhost.crt"), key: file("encrypted.key") };
const PFX = file("localhost.pfx");

const GOOD: [string, TlsOptions][] = [
  ["files", LOCALHOST],
  ["text", { cert: pem("localhost.crt"), key: pem("localhost.key") }],
  ["an encrypted key", { ...ENCRYPTED, passphrase: "secret" }],
  ["PKCS#12", { pfx: PFX, passphrase: "secret" }],
  ["the bytes of PKCS#12", { pfx: Deno.readFileSync(PFX), passphrase: "secret" }],
  ["a passphrase that nobody needs", { ...LOCALHOST, passphrase: "secret" }],
];

for (const [words, tls] of GOOD) {
  Deno.test(`tls: ${words}, and workers get the key as it is`, () => {
    const { cert, key } = load_tls(tls);
    assertStringIncludes(cert, "-----BEGIN CERTIFICATE-----");
    assertStringIncludes(key, "-----BEGIN PRIVATE KEY-----");
  });
}

/** What is refused, with the class of the error and words of its message. */
const BAD: [TlsOptions, new (message: string) => Error, string][] = [
  [
    { ...LOCALHOST, key: file("second.key") },
    RangeError,
    "second.key: it is not the key of tls.cert",
  ],
  [ENCRYPTED, RangeError, "encrypted.key: it is encrypted: give its passphrase"],
  [{ ...ENCRYPTED, passphrase: "other" }, RangeError, "encrypted.key: the passphrase is wrong"],
  [{ pfx: PFX, passphrase: "other" }, RangeError, "localhost.pfx: "],
  [{ pfx: PFX }, RangeError, "localhost.pfx: "],
  [{ pfx: new Uint8Array(9) }, RangeError, "tls.pfx: "],
  [{ ...LOCALHOST, cert: file("make.sh") }, RangeError, "make.sh: it has no PEM certificate"],
  [{ ...LOCALHOST, key: file("ca.crt") }, RangeError, "ca.crt: it is no private key in PEM"],
  [
    { ...LOCALHOST, cert: "server.crt" },
    RangeError,
    "tls.cert: it is no PEM text; for a file, give its URL",
  ],
  [{ ...LOCALHOST, cert: file("none.crt") }, Deno.errors.NotFound, "none.crt"],
  [{ ...LOCALHOST, cert: 5 as never }, TypeError, "tls.cert: it must be PEM text, or a URL"],
  [{ pfx: "bytes" as never }, TypeError, "tls.pfx: it must be bytes, or a URL"],
  [{ cert: pem("localhost.crt") }, TypeError, "tls: it must have cert and key"],
  [{ ...LOCALHOST, pfx: PFX }, TypeError, "tls: it must have cert and key, or pfx"],
  [{ ...LOCALHOST, ciphers: "all" } as never, TypeError, 'the option "ciphers"'],
  [{ ...LOCALHOST, request_client_cert: "required" }, RangeError, "without tls.ca"],
  [{ ...LOCALHOST, request_client_cert: "optional" }, RangeError, "without tls.ca"],
  [{ ...LOCALHOST, request_client_cert: "yes" as never }, RangeError, "tls.request_client_cert"],
  [{ ...LOCALHOST, ca: file("make.sh") }, RangeError, "make.sh: it has no PEM certificate"],
  [{ ...LOCALHOST, min_version: "TLSv1.1" as never }, RangeError, "tls.min_version"],
  [{ ...LOCALHOST, alpn_protocols: [] }, RangeError, "tls.alpn_protocols"],
  [{ ...LOCALHOST, alpn_protocols: ["h2", ""] }, RangeError, "tls.alpn_protocols"],
  [{ ...LOCALHOST, alpn_protocols: ["ä".repeat(128)] }, RangeError, "tls.alpn_protocols"],
  [{ ...LOCALHOST, sni: { "a.*.test": LOCALHOST } }, RangeError, '"a.*.test" in tls.sni'],
  [{ ...LOCALHOST, sni: { "": LOCALHOST } }, RangeError, '"" in tls.sni'],
  [{ ...LOCALHOST, sni: { "a.test": { cert: LOCALHOST.cert! } } }, TypeError, 'tls.sni["a.test"]'],
  [
    { ...LOCALHOST, sni: { "a.test": { ...pair("second"), key: file("wildcard.key") } } },
    RangeError,
    "wildcard.key: it is not the key of",
  ],
];

for (const [tls, Class, words] of BAD) {
  Deno.test(`tls: the constructor throws: ${words}`, () => {
    const error = assertThrows(
      () => new AsyncTCPServer(["127.0.0.1", 0], TlsHandler, { tls }),
      Class,
      words,
    );
    // Nothing of what is secret is in it.
    assertEquals(/-----|secret/.test(`${error.message} ${error.stack}`), false);
  });
}

Deno.test("tls: what is no object is refused, and not shown", () => {
  for (const tls of [pem("localhost.key"), true, 5]) {
    const error = assertThrows(
      () => new AsyncTCPServer(["127.0.0.1", 0], TlsHandler, { tls: tls as never }),
      RangeError,
      "Cannot use tls",
    );
    assert(!error.message.includes("-----"));
  }
});

Deno.test("tls: a server that is not bound yet is checked, too", () => {
  const tls = { ...LOCALHOST, key: file("second.key") };
  const options = { tls, bind_and_activate: false };
  assertThrows(() => new AsyncTCPServer(["127.0.0.1", 0], TlsHandler, options), RangeError);
});

Deno.test("tls: a certificate that has ended is named, when it is loaded and when it is read again", async () => {
  using printed = new StandardError();
  const sni = { "other.test": pair("expired") };
  await using server = new AsyncTCPServer(["127.0.0.1", 0], TlsHandler, {
    tls: { ...LOCALHOST, sni },
  });
  server.reload_tls({ ...LOCALHOST, ...pair("expired") });
  server.reload_tls(LOCALHOST);
  const lines = (await printed.all()).trimEnd().split("\n");
  assertEquals(lines.length, 2);
  for (const line of lines) assertStringIncludes(line, "CN=expired has ended on 20");
});

Deno.test("tls: the message names the file once, and has nothing of a URL that is none", () => {
  const missing = { ...LOCALHOST, key: file("none.key") };
  const { message } = assertThrows(() => load_tls(missing), Deno.errors.NotFound);
  assertEquals(message.split("Cannot use").length, 2);
  const data = { ...LOCALHOST, key: new URL(`data:,${encodeURIComponent("sesame")}`) };
  const refused = assertThrows(() => load_tls(data), RangeError);
  assert(!refused.message.includes("sesame"), refused.message);
});
