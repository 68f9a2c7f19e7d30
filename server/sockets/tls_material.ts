import type { KeyObject, X509Certificate } from "node:crypto";
import { fileURLToPath } from "node:url";
import { late } from "../../internal/runtime/late.ts";
import { print } from "../../internal/runtime/standard_error.ts";
import { parts_of_pfx } from "../../internal/runtime/tls_internals.ts";
import { check_tls_options, type TlsCertificate, type TlsOptions } from "../tls_options.ts";

/** A certificate with its key, as PEM. */
export interface PemPair {
  cert: string;
  /** Not encrypted: it is decrypted once, where it is loaded. */
  key: string;
}

/** All that TLS needs, read and checked, as workers get it: it can be cloned. */
export interface TlsMaterial extends PemPair {
  ca: string | undefined;
  request_client_cert: "no" | "optional" | "required";
  alpn_protocols: string[] | undefined;
  min_version: "TLSv1.2" | "TLSv1.3";
  /** By patterns in lower case. */
  sni: [pattern: string, pair: PemPair][];
}

/**
 * Reads the files of a server's certificates and checks what is in them. One that has ended is named on standard error.
 *
 * @throws {RangeError} If they are unusable; the message names the file, and has nothing of its contents.
 * @throws {TypeError} If an option is none, or has the wrong type.
 */
export function load_tls(options: TlsOptions): TlsMaterial {
  check_tls_options(options);
  const { ca, request_client_cert = "no", alpn_protocols, min_version = "TLSv1.2", sni } = options;
  const material: TlsMaterial = {
    ...load_pair("tls", options),
    ca: ca === undefined ? undefined : load_authorities(ca),
    request_client_cert,
    alpn_protocols: alpn_protocols && [...alpn_protocols],
    min_version,
    sni: Object.entries(sni ?? {}).map(([pattern, certificate]) => [
      pattern.toLowerCase(),
      load_pair(`tls.sni[${JSON.stringify(pattern)}]`, certificate),
    ]),
  };
  for (const pair of [material, ...material.sni.map(([, pair]) => pair)]) warn_of_end(pair);
  return material;
}

/** Says on standard error that a certificate has ended. It is used all the same: a clock may be wrong, too. */
function warn_of_end({ cert }: PemPair): void {
  const { subject, validTo } = new late.crypto.X509Certificate(cert);
  const end = Date.parse(validTo);
  if (end > Date.now()) return;
  const name = subject.replaceAll("\n", ", ");
  print(
    `The certificate of ${name} has ended on ${new Date(end).toISOString()}: clients refuse it`,
  );
}

/** When a certificate ends, as `Date.now()` gives it. */
export function end_of({ cert }: TlsMaterial): number {
  return Date.parse(new late.crypto.X509Certificate(cert).validTo);
}

function load_pair(where: string, { cert, key, passphrase, pfx }: TlsCertificate): PemPair {
  if (pfx !== undefined) return load_pfx(`${where}.pfx`, pfx, passphrase);
  const chain = text_of(`${where}.cert`, cert!);
  const certificate = check(`${where}.cert`, cert, () => first_of(chain));
  const key_text = text_of(`${where}.key`, key!);
  const private_key = check(`${where}.key`, key, () => key_of(key_text, passphrase));
  if (!certificate.checkPrivateKey(private_key)) {
    throw new RangeError(
      `Cannot use ${named(`${where}.key`, key)}: it is not the key of ${
        named(`${where}.cert`, cert)
      }`,
    );
  }
  return { cert: chain, key: private_key.export({ type: "pkcs8", format: "pem" }) as string };
}

function load_pfx(where: string, pfx: Uint8Array | URL, passphrase: string | undefined): PemPair {
  if (!(pfx instanceof URL) && !(pfx instanceof Uint8Array)) {
    throw new TypeError(`Cannot use ${where}: it must be bytes, or a URL of a file`);
  }
  const pair = check(where, pfx, () => {
    const found = parts_of_pfx(pfx instanceof URL ? Deno.readFileSync(pfx) : pfx, passphrase);
    if (!found) throw new Error("it has no certificate with its key");
    return found;
  });
  return pair;
}

/** The authorities, each of which must be a certificate. */
function load_authorities(ca: string | URL): string {
  const text = text_of("tls.ca", ca);
  check(
    "tls.ca",
    ca,
    () => certificates_of(text).forEach((pem) => new late.crypto.X509Certificate(pem)),
  );
  return text;
}

const CERTIFICATES = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

function certificates_of(pem: string): string[] {
  const found = pem.match(CERTIFICATES);
  if (!found) throw new Error("it has no PEM certificate");
  return found;
}

/** The server's own certificate; those behind it must be certificates, too. */
function first_of(chain: string): X509Certificate {
  const [first] = certificates_of(chain).map((pem) => new late.crypto.X509Certificate(pem));
  return first!;
}

function key_of(pem: string, passphrase: string | undefined): KeyObject {
  const is_encrypted = pem.includes("ENCRYPTED");
  if (is_encrypted && passphrase === undefined) {
    throw new Error("it is encrypted: give its passphrase");
  }
  try {
    return late.crypto.createPrivateKey({
      key: pem,
      ...(passphrase !== undefined && { passphrase }),
    });
  } catch {
    // Their own words are codes of OpenSSL.
    throw new Error(is_encrypted ? "the passphrase is wrong" : "it is no private key in PEM");
  }
}

/** The text itself, or that of a file. */
function text_of(where: string, source: string | URL): string {
  if (typeof source === "string") {
    if (source.includes("-----BEGIN ")) return source;
    throw new RangeError(`Cannot use ${where}: it is no PEM text; for a file, give its URL`);
  }
  if (source instanceof URL) return check(where, source, () => Deno.readTextFileSync(source));
  throw new TypeError(`Cannot use ${where}: it must be PEM text, or a URL of a file`);
}

/** Has what is thrown say which file it is about. Errors of reading it keep their class. */
function check<T>(where: string, source: unknown, load: () => T): T {
  try {
    return load();
  } catch (error) {
    const { message } = error as Error;
    const words = `Cannot use ${named(where, source)}: ${message}`;
    if (Object.values(Deno.errors).some((Class) => error instanceof Class)) {
      (error as Error).message = words;
      throw error;
    }
    throw new RangeError(words);
  }
}

function named(where: string, source: unknown): string {
  if (!(source instanceof URL)) return where;
  // Others may have in them what is secret, as those of data have.
  return `${where}, ${source.protocol === "file:" ? fileURLToPath(source) : source.protocol}`;
}
