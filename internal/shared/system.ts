/**
 * Objects that several threads and processes use. Loaded where one is made, or comes from elsewhere.
 *
 * @module
 */
import { type Peer, sharing } from "../workers/sharing.ts";
import { Link } from "./link.ts";
import { Task } from "./task.ts";
import { pack, unpack } from "./travel.ts";

const links = new Map<Peer, Link>();

/** The way to the other end of a worker's channel. */
export function link_to(peer: Peer): Link {
  let link = links.get(peer);
  if (!link) links.set(peer, link = new Link(peer, { pack, unpack }));
  return link;
}

sharing.system ??= {
  pack: (value, peer) => pack(value, link_to(peer)),
  unpack: (packed, peer) => unpack(packed, link_to(peer)),
  received: (peer, body) => link_to(peer).received(body),
  ended(peer) {
    links.get(peer)?.ended();
    links.delete(peer);
  },
  flush: (peer) => links.get(peer)?.flush(),
  begin: (options) => new Task(options),
};
