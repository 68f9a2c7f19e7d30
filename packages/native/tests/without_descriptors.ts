/** Makes servers where no descriptor is left, where one is, and then where there are enough. */
import { DatagramRequestHandler, UDPServer } from "@socketserver/socketserver";
import { C } from "../libc.ts";
import { LibcUser } from "../libc_user.ts";
import { NativeMixIn } from "../mod.ts";

class NoHandler extends DatagramRequestHandler {}
class NativeUDPServer extends NativeMixIn(UDPServer) {}

function make(inherit: number | false = false): UDPServer {
  return new NativeUDPServer(["127.0.0.1", 0], NoHandler, { inherit });
}

function refused(inherit?: number): void {
  try {
    make(inherit);
  } catch (error) {
    console.log((error as Error).message);
  }
}

// What is loaded late takes descriptors, too, and Deno ends where there is none for that.
await make().server_close();
using libc = new LibcUser();
const inherited = libc.functions.socket(C.AF_INET, C.SOCK_DGRAM, 0);
const files: Deno.FsFile[] = [];
try {
  for (;;) files.push(Deno.openSync("/dev/null"));
} catch (error) {
  console.log((error as Error).message);
}
refused();
refused(inherited);
files.pop()!.close();
refused();
refused();
for (const file of files) file.close();
await using _own = make();
await using _inherited = make(inherited);
console.log("made");
