/** The clients of Python's suite: each sends one line and gives the reply. */
import { bytes_of, read_to_end, text_of, write_bytes } from "../fixtures/tools/bytes.ts";
import { DatagramClient } from "../fixtures/clients/datagrams.ts";
import { soon } from "../fixtures/tools/waiting.ts";

/** Connects to a TCP or Unix stream server. */
export function connect(address: Deno.Addr): Promise<Deno.Conn> {
  return Deno.connect(address as Deno.ConnectOptions);
}

/** Sends a text over a connection, and reads to its end. */
export async function ask_stream(address: Deno.Addr, text: string): Promise<string> {
  using conn = await connect(address);
  await write_bytes(conn, bytes_of(text));
  return text_of(await soon(read_to_end(conn)));
}

/** Sends a text over a Unix datagram socket, from a path next to the server's. */
export async function ask_unix_datagram(address: Deno.Addr, text: string): Promise<string> {
  const path = `${(address as Deno.UnixAddr).path}.client`;
  try {
    using client = new DatagramClient(address, path);
    return await client.ask(text);
  } finally {
    await Deno.remove(path);
  }
}
