/**
 * Objects that several threads and processes use. Loaded where one is made, or comes from elsewhere.
 *
 * @module
 */
import { sharing } from "../workers/sharing.ts";
import { Task } from "./task.ts";
import { link_to, pack, unlink, unpack } from "./travel.ts";

sharing.system ??= {
  pack: (value, peer) => pack(value, link_to(peer)),
  unpack: (packed, peer) => unpack(packed, link_to(peer)),
  received: (peer, body) => link_to(peer).received(body),
  ended: unlink,
  flush: (peer) => link_to(peer).flush(),
  begin: (options) => new Task(options),
};
