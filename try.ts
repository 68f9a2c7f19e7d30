import { AsyncTCPServer, ForkingTCPServer, type Remote, StreamRequestHandler, ThreadingTCPServer } from "./mod.ts";
import * as threading from "./concurrency/threading/mod.ts";
const M = { AsyncTCPServer, ForkingTCPServer, ThreadingTCPServer } as any;
const make = (B: any) => class Counter extends (B as typeof ThreadingTCPServer) {
  lock = new threading.Lock();
  _v = 0;
  value() { return this._v; }
  set_value(v: number) { this._v = v; }
};
export class CountHandler extends StreamRequestHandler<any> {
  override async handle() {
    for await (const _ of this.rfile) {
      using _h = await this.server.lock.hold();
      await this.server.set_value(await this.server.value() + 1);
      await this.wfile.write("x\n");
    }
  }
}
if (import.meta.main) {
  for (const n of ["AsyncTCPServer", "ThreadingTCPServer", "ForkingTCPServer"]) {
    await using s = new (make(M[n]))(["127.0.0.1", 0], CountHandler, { max_children: 8 });
    s.serve_forever();
    const t = performance.now();
    const per = 50, cl = n.startsWith("F") ? 8 : 64;
    await Promise.all(Array.from({ length: cl }, async () => {
      using c = await Deno.connect(s.server_address as Deno.NetAddr);
      const b = new Uint8Array(100);
      for (let i = 0; i < per; i++) { await c.write(new TextEncoder().encode("x\n")); await c.read(b); }
    }));
    console.log(n, s._v, cl * per, performance.now() - t);
  }
  const l = new threading.Lock();
  for (let r = 0; r < 3; r++) {
    const t = performance.now();
    for (let i = 0; i < 100000; i++) { await l.acquire(); l.release(); }
    console.log("local us", (performance.now() - t) / 100);
  }
}
