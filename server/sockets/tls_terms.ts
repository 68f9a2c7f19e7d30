import type { X509Certificate } from "node:crypto";
import type tls from "node:tls";
import { late } from "../../internal/runtime/late.ts";
import { peer_of } from "../../internal/runtime/tls_internals.ts";
import { TlsError } from "../../internal/shared/errors.ts";
import type { TlsOptions } from "../tls_options.ts";
import { load_tls, type PemPair, type TlsMaterial } from "./tls_material.ts";

/** So many verified client certificates are remembered; a client beyond makes a full handshake again. */
const MAX_VERIFIED = 100_000;

/** What handlers can know of a connection's TLS. */
export interface TlsInfo {
  /** The version: `"TLSv1.3"`. */
  protocol: string;
  /** The cipher, by its name in OpenSSL: `"TLS_AES_256_GCM_SHA384"`. */
  cipher: string;
  /** The protocol that was agreed on (ALPN); `undefined` if none was. */
  alpn_protocol: string | undefined;
  /** The name that the client has asked for (SNI); `undefined` if it has not. */
  server_name: string | undefined;
  /** The client's certificate, which is good; `undefined` if none was asked for, or it has none. */
  peer_certificate: X509Certificate | undefined;
  /** Whether the client has gone on with an earlier session, which costs less. */
  resumed: boolean;
}

/** On what terms connections are secured in this thread: the certificates, and which clients are let in. */
export class TlsTerms {
  readonly material: TlsMaterial;
  /** What a new connection is opened with. */
  readonly options: tls.TLSSocketOptions;
  /**
   * The fingerprints of client certificates that were verified in a full handshake. Deno shares sessions among all
   * servers of a thread and looks at no certificate when one goes on.
   */
  #verified: Set<string>;

  /**
   * @param material What was loaded.
   * @param before The terms until now, whose verified clients stay known as long as the authorities are the same.
   */
  constructor(material: TlsMaterial, before?: TlsTerms) {
    this.material = material;
    const has_same = before !== undefined && before.material.ca === material.ca;
    this.#verified = has_same ? before.#verified : new Set();
    const { request_client_cert: request, alpn_protocols } = material;
    const own = context_of(material, material);
    const by_pattern = new Map(
      material.sni.map(([pattern, pair]) => [pattern, context_of(material, pair)]),
    );
    this.options = {
      secureContext: own,
      requestCert: request !== "no",
      rejectUnauthorized: request === "required",
      ...(alpn_protocols && { ALPNProtocols: alpn_protocols }),
      ...(by_pattern.size > 0 && {
        SNICallback: (name, use) => use(null, find_by_name(by_pattern, name) ?? own),
      }),
    };
  }

  /**
   * Looks at a connection whose handshake is done.
   *
   * @throws {TlsError} If the client is not let in.
   */
  admit(socket: tls.TLSSocket): TlsInfo {
    const resumed = socket.isSessionReused();
    return {
      protocol: socket.getProtocol() ?? "",
      cipher: socket.getCipher().name,
      alpn_protocol: socket.alpnProtocol || undefined,
      server_name: (socket as { servername?: string | false }).servername || undefined,
      peer_certificate: this.#admit_peer(socket, resumed),
      resumed,
    };
  }

  #admit_peer(socket: tls.TLSSocket, resumed: boolean): X509Certificate | undefined {
    const { request_client_cert: request } = this.material;
    // A session may have been begun at another server of this thread, which asks for certificates.
    if (request === "no") return undefined;
    const [fault, certificate] = peer_of(socket);
    if (fault) throw refused(`the certificate of the client is not good (${fault})`);
    if (!certificate) {
      if (request === "optional") return undefined;
      throw refused("the client has no certificate");
    }
    const fingerprint = certificate.fingerprint256;
    if (resumed && !this.#verified.has(fingerprint)) {
      throw refused(
        "the session was begun elsewhere, with a certificate that nobody has verified here",
      );
    }
    if (resumed && Date.parse(certificate.validTo) < Date.now()) {
      throw refused("the certificate of the client has expired");
    }
    this.#remember(fingerprint);
    return certificate;
  }

  #remember(fingerprint: string): void {
    if (this.#verified.has(fingerprint)) return;
    if (this.#verified.size >= MAX_VERIFIED) this.#verified.clear();
    this.#verified.add(fingerprint);
  }
}

function refused(reason: string): TlsError {
  const message = `The TLS handshake failed: ${reason}`;
  return new TlsError(message, { code: "ERR_TLS_CLIENT_CERTIFICATE", phase: "handshake" });
}

/** What the authorities are asked about is a part of the context. */
function context_of({ ca, min_version }: TlsMaterial, { cert, key }: PemPair): tls.SecureContext {
  return late.tls.createSecureContext({ cert, key, minVersion: min_version, ...(ca && { ca }) });
}

/** What is there for a name: itself, or the pattern in which `*` stands for its first label. */
function find_by_name<T>(by_pattern: Map<string, T>, name: string): T | undefined {
  const wanted = name.toLowerCase().replace(/\.$/, "");
  return by_pattern.get(wanted) ?? by_pattern.get(wanted.replace(/^[^.]+/, "*"));
}

/** The terms of options that were given to `start_tls()` in this thread: loading them takes time. */
const loaded = new WeakMap<TlsOptions, TlsTerms>();

/**
 * The terms that options stand for. The same object is loaded once.
 *
 * @throws What {@linkcode load_tls} throws.
 */
export function terms_of(options: TlsOptions): TlsTerms {
  const known = loaded.get(options);
  if (known) return known;
  const terms = new TlsTerms(load_tls(options));
  loaded.set(options, terms);
  return terms;
}
