import { check_names } from "../internal/runtime/check_names.ts";

/** A certificate with its key. */
export interface TlsCertificate {
  /** The certificate, and behind it those between it and its authority: PEM text, or the `URL` of a file. */
  cert?: string | URL;
  /** Its private key: PEM text, or the `URL` of a file. */
  key?: string | URL;
  /** What the key, or the PKCS#12 file, is encrypted with. */
  passphrase?: string;
  /** A PKCS#12 file in place of `cert` and `key`: its bytes, or its `URL`. */
  pfx?: Uint8Array | URL;
}

/** How a server speaks TLS. */
export interface TlsOptions extends TlsCertificate {
  /** The authorities whose client certificates are good: PEM text, or the `URL` of a file. */
  ca?: string | URL;
  /**
   * Whether clients are asked for a certificate. With `"optional"` they may have none; one that is bad ends the
   * handshake in both cases. Needs `ca`.
   *
   * @default {"no"}
   */
  request_client_cert?: "no" | "optional" | "required";
  /** The protocols that may be agreed on (ALPN), the best first; unless told, none is asked for. */
  alpn_protocols?: readonly string[];
  /**
   * The oldest version that is spoken.
   *
   * @default {"TLSv1.2"}
   */
  min_version?: "TLSv1.2" | "TLSv1.3";
  /**
   * Other certificates, by the names that clients ask for. A `*` stands for the first label:
   * `"*.example.org"` is `www.example.org`, and not `example.org`. A name that is not here gets `cert`.
   */
  sni?: Readonly<Record<string, TlsCertificate>>;
}

const CERTIFICATE = ["cert", "key", "passphrase", "pfx"] as const;
const OPTIONS = [
  ...CERTIFICATE,
  "ca",
  "request_client_cert",
  "alpn_protocols",
  "min_version",
  "sni",
] as const;

const REQUESTS: unknown[] = [undefined, "no", "optional", "required"];
const VERSIONS: unknown[] = [undefined, "TLSv1.2", "TLSv1.3"];

/** One label of a host name. */
const LABEL = "[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?";
const PATTERN = new RegExp(`^(\\*\\.)?${LABEL}(\\.${LABEL})*$`, "i");

/** The longest name of a protocol, in bytes. */
const MAX_PROTOCOL = 255;

/**
 * Refuses options that make no sense; what is in them is looked at when it is loaded.
 *
 * @throws {RangeError} If a value makes no sense.
 * @throws {TypeError} If an option has an unknown name, or a certificate no key.
 */
export function check_tls_options(options: TlsOptions): void {
  check_names(options, OPTIONS);
  check_certificate("tls", options);
  const { ca, request_client_cert, min_version, alpn_protocols, sni } = options;
  const is_one_of = (name: string, value: unknown, known: unknown[]) => {
    if (known.includes(value)) return;
    const words = known.slice(1).map((one) => JSON.stringify(one)).join(", ");
    throw new RangeError(
      `Cannot use tls.${name} = ${Deno.inspect(value)}: it must be one of ${words}`,
    );
  };
  is_one_of("request_client_cert", request_client_cert, REQUESTS);
  is_one_of("min_version", min_version, VERSIONS);
  if ((request_client_cert ?? "no") !== "no" && ca === undefined) {
    throw new RangeError(
      `Cannot use tls.request_client_cert = "${request_client_cert}" without tls.ca: name the authority ` +
        "whose certificates are good",
    );
  }
  if (alpn_protocols !== undefined) check_protocols(alpn_protocols);
  if (sni !== undefined && (typeof sni !== "object" || sni === null)) {
    throw new TypeError(
      `Cannot use tls.sni = ${
        Deno.inspect(sni)
      }: it must be an object with a certificate for each name`,
    );
  }
  for (const [pattern, certificate] of Object.entries(sni ?? {})) {
    if (!PATTERN.test(pattern)) {
      throw new RangeError(
        `Cannot use ${
          JSON.stringify(pattern)
        } in tls.sni: it must be a host name, in which only the first ` +
          'label may be "*"',
      );
    }
    check_names(certificate, CERTIFICATE);
    check_certificate(`tls.sni[${JSON.stringify(pattern)}]`, certificate);
  }
}

function check_certificate(where: string, { cert, key, pfx }: TlsCertificate): void {
  const has_pair = cert !== undefined && key !== undefined;
  const has_part = cert !== undefined || key !== undefined;
  if (pfx !== undefined ? !has_part : has_pair) return;
  throw new TypeError(`Cannot use ${where}: it must have cert and key, or pfx in their place`);
}

function check_protocols(protocols: unknown): void {
  const is_protocol = (name: unknown) =>
    typeof name === "string" && name !== "" &&
    new TextEncoder().encode(name).length <= MAX_PROTOCOL;
  if (Array.isArray(protocols) && protocols.length > 0 && protocols.every(is_protocol)) return;
  throw new RangeError(
    `Cannot use tls.alpn_protocols = ${
      Deno.inspect(protocols)
    }: it must be a list of names, such as ["h2"]`,
  );
}
