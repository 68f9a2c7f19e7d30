/** The certificate of servers with TLS, which is that of the tests: its key is one of P-256. */
import { fileURLToPath } from "node:url";

const DIRECTORY = new URL("../tests/fixtures/certificates/", import.meta.url);

/** Where it is, without `.crt`, and its key, without `.key`. */
export const CERTIFICATE = fileURLToPath(new URL("localhost", DIRECTORY));

/** The certificate of its authority. */
export const AUTHORITY = Deno.readTextFileSync(new URL("ca.crt", DIRECTORY));
