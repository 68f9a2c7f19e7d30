/** How much is read at once at the most, in bytes. */
const READ_SIZE = 65_536;

/** What is wanted of a socket. */
interface Socket {
  recv(bufsize: number): Promise<Uint8Array>;
  sendall(data: Uint8Array): Promise<void>;
  closeWrite(): Promise<void>;
  close(): void;
}

/** A socket's input as a stream. It reads nothing ahead, so that nothing is lost to other reads. */
export function readable_of(socket: Socket): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    pull: async (controller) => {
      const chunk = await socket.recv(READ_SIZE);
      if (chunk.length === 0) controller.close();
      else controller.enqueue(chunk as Uint8Array<ArrayBuffer>);
    },
  }, { highWaterMark: 0 });
}

/** A socket's output as a stream. */
export function writable_of(socket: Socket): WritableStream<Uint8Array<ArrayBufferLike>> {
  return new WritableStream({
    write: (chunk) => socket.sendall(chunk),
    close: () => socket.closeWrite(),
    abort: () => socket.close(),
  });
}
