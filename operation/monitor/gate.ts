import { createHash, timingSafeEqual } from "node:crypto";

/** How long a browser may keep the cookie, in seconds: it is asked for a new one when it ends. */
const DAY = 86_400;

/** What a request may: have its answer, or nothing but this one. */
export type Verdict = Response | undefined;

/**
 * Who may see the page. At a loopback address everybody who names it as such: a page of somebody else, whose name was
 * made to lead here (DNS rebinding), does not. With a token, who has that.
 */
export class Gate {
  #token: Uint8Array | undefined;
  #hosts: Set<string>;
  #cookie: string;

  /**
   * @param hostname Where the page is.
   * @param port Cookies do not know ports: each page has its own.
   * @param token What is to be shown; none at a loopback address.
   */
  constructor(hostname: string, port: number, token: string | undefined) {
    this.#token = token === undefined ? undefined : digest(token);
    this.#hosts = new Set(["localhost", "127.0.0.1", "[::1]", host_in_url(hostname.toLowerCase())]);
    this.#cookie = `monitor_${port}`;
  }

  /** Looks at a request; `undefined` lets it in. */
  check(request: Request): Verdict {
    if (request.method !== "GET" && request.method !== "HEAD") {
      return refusal(405, "Only GET and HEAD are answered here.", { allow: "GET, HEAD" });
    }
    if (this.#token) return this.#check_token(request, this.#token);
    return this.#check_host(request.headers.get("host") ?? "");
  }

  #check_host(host: string): Verdict {
    // Whatever the port: a tunnel has one of its own.
    if (this.#hosts.has(host.toLowerCase().replace(/:\d+$/, ""))) return;
    return refusal(403, "This page is for its own machine: open it at localhost or 127.0.0.1.");
  }

  #check_token(request: Request, token: Uint8Array): Verdict {
    const url = URL.parse(request.url);
    const in_query = url?.searchParams.get("token") ?? undefined;
    const [, in_header] = /^Bearer +(.+)$/i.exec(request.headers.get("authorization") ?? "") ?? [];
    const shown = in_query ?? in_header ?? cookie_of(request, this.#cookie);
    if (shown === undefined || !timingSafeEqual(digest(shown), token)) {
      return refusal(401, "A token is needed: open the address that was printed at the start.", {
        "www-authenticate": 'Bearer realm="monitor"',
      });
    }
    if (in_query === undefined || url?.pathname !== "/") return;
    // Out of the address bar, the history and what people copy from there.
    const cookie = `${this.#cookie}=${encodeURIComponent(in_query)}`;
    return refusal(303, "", {
      location: "./",
      "set-cookie": `${cookie}; Path=/; Max-Age=${DAY}; HttpOnly; SameSite=Lax`,
    });
  }
}

/** Whether an address can be reached from its own machine only. */
export function is_loopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "::1" || /^127(\.\d+){3}$/.test(hostname);
}

/** A host as URLs have it. */
export function host_in_url(hostname: string): string {
  return hostname.includes(":") ? `[${hostname}]` : hostname;
}

function refusal(status: number, text: string, headers: Record<string, string> = {}): Response {
  return new Response(text && `${text}\n`, { status, headers });
}

/** Of one length, whatever is shown: how long a comparison takes tells nothing. */
function digest(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}

function cookie_of(request: Request, name: string): string | undefined {
  const cookies = (request.headers.get("cookie") ?? "").split(/; */);
  const found = cookies.find((cookie) => cookie.startsWith(`${name}=`));
  return found && decoded(found.slice(name.length + 1));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
