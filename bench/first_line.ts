/**
 * Reads the first line that a program prints.
 *
 * @throws {Error} If it ended before.
 */
export async function first_line(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  let text = "";
  for await (const part of stream.pipeThrough(new TextDecoderStream())) {
    text += part;
    const end = text.indexOf("\n");
    if (end >= 0) return text.slice(0, end);
  }
  throw new Error("The program ended before it had printed a line");
}
