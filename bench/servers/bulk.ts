/** How many bytes a server sends at once: the same in all servers. */
const BULK_SIZE = 262_144;

/** What servers send much of: lines of 64 bytes. */
export const BULK: Uint8Array = new TextEncoder()
  .encode(`${"x".repeat(63)}\n`.repeat(BULK_SIZE / 64));
