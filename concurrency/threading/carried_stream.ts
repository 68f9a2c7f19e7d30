import { BufferedReader } from "../../handlers/buffered_reader.ts";
import { BufferedWriter } from "../../handlers/buffered_writer.ts";
import { open_descriptor, type OpenSocket, rid_of } from "../../internal/runtime/deno_internals.ts";
import type { Link } from "../../internal/shared/link.ts";
import {
  arrived,
  begin,
  core_of,
  type Kind,
  type LocalCore,
  RemoteCore,
  SharedObject,
} from "../../internal/shared/shared_object.ts";
import { program } from "../../internal/shared/task.ts";
import { provide_carrying, provide_class } from "../../internal/shared/travel.ts";
import { sharing } from "../../internal/workers/sharing.ts";
import { NodeConn } from "../../server/sockets/node_conn.ts";
import { RelayedConn } from "../../server/sockets/relayed_conn.ts";
import { give_away, socket_over, StreamSocket } from "../../server/sockets/stream_socket.ts";
import {
  type SentConnection,
  type SentDescriptor,
  type StreamFixed,
  StreamHome,
  take_descriptor,
} from "./stream_home.ts";

const KIND: Kind = { file: "concurrency/threading/carried_stream.ts", name: "CarriedStream" };

/** Those of Deno's own connections that can be given to others. */
const CONNECTIONS = new Set(["TcpConn", "UnixConn", "TlsConn"]);

/** What the next one that is made here is at home. */
let next_home: StreamHome | undefined;

/** Stands for a connection on its way: where it arrives a `StreamSocket` takes its place. */
class CarriedStream extends SharedObject {
  constructor() {
    super();
    const home = next_home;
    next_home = undefined;
    const core = begin(this, KIND, () => home!, false);
    if (core instanceof RemoteCore) return;
    core.home.possession.close_all = () => core.withdraw();
    core.home.claim(program.owner, UNSENT);
  }

  override [arrived](): StreamSocket {
    const core = core_of(this);
    if (!(core instanceof RemoteCore)) throw refused("a connection that came from here");
    const socket = this.#open(core);
    come.add(socket);
    return socket;
  }

  /** The connection as it is used here: by a descriptor of its own, or by calls to where it is. */
  #open(core: RemoteCore): StreamSocket {
    const key = Math.random();
    const { local, remote } = core.fixed as StreamFixed;
    const close = () => core.link.tell(core.id, "close", program, [key]);
    // First: what was sent and is not taken when it has come is closed.
    const open = opener(core.described as SentDescriptor | SentConnection | undefined);
    core.link.tell(core.id, "claim", program, [key]);
    if (open) return socket_over(new OpenedConn(open, local, remote, close));
    return new StreamSocket(
      new RelayedConn(local, remote, async (method, args) => {
        if (method === "close") return close();
        return await core.call("relay", [key, method, args], { kind: "bring" });
      }),
    );
  }
}

/** The key of what has never arrived anywhere. */
const UNSENT = 0;

/** How the descriptor is opened that was sent along; `undefined` where there is none. */
function opener(sent: SentDescriptor | SentConnection | undefined): OpenSocket | undefined {
  if (!sent) return undefined;
  if ("fd" in sent) {
    if (!take_descriptor(sent)) return undefined;
    return (options) => open_descriptor(sent.fd, options, sharing.table);
  }
  const open = sharing.connections.get(sent.number);
  sharing.connections.delete(sent.number);
  return open;
}

/** A connection over a descriptor of this thread. Where it was opened it is closed with it. */
class OpenedConn extends NodeConn {
  #closed: () => void;

  constructor(open: OpenSocket, local: Deno.Addr, remote: Deno.Addr, closed: () => void) {
    super(open, local, remote);
    this.#closed = closed;
  }

  override close(): void {
    super.close();
    this.#closed();
  }
}

/** Connections that have come here. */
const come = new WeakSet<object>();
/** What stands for those that were sent. */
const sent = new WeakMap<object, CarriedStream>();

/** Whether a value is a connection, or something of that kind: the library's, or Deno's own. */
function is_kindred(value: object): boolean {
  return value instanceof StreamSocket || value instanceof BufferedReader ||
    value instanceof BufferedWriter || (typeof value === "object" && rid_of(value) !== undefined);
}

/** @throws {TypeError} If it cannot be given to another thread or process. */
function check(value: object): void {
  const { name } = value.constructor;
  if (come.has(value)) throw refused("a connection that has come from another one");
  if (value instanceof StreamSocket || CONNECTIONS.has(name)) return;
  if (value instanceof BufferedReader || value instanceof BufferedWriter) {
    throw refused(`a ${name}`, ": pass the connection itself, before it is read from");
  }
  throw refused(`a ${name}`, ": pass its address, or what is to be done with it");
}

function refused(what: string, instead = ": use it where it is"): TypeError {
  return new TypeError(`Cannot pass ${what} to another thread or process${instead}`);
}

/** A connection that is given away: one of the library's is another object then, and the old one is closed. */
function give(conn: object): object {
  if (!(conn instanceof StreamSocket)) return conn;
  const socket = give_away(conn);
  if (!socket) throw refused("a connection that is closed, or in use");
  if (come.has(conn)) come.add(socket);
  return socket;
}

/** What stands for a connection on its way. The connection itself is of no use here any more. */
function carried(conn: object, link: Link): CarriedStream {
  check(conn);
  if (link.peer === sharing.parent) {
    throw refused(
      "a connection",
      ", if that has started this one: only to those that this one starts",
    );
  }
  let stream = sent.get(conn);
  if (!stream) {
    const socket = conn instanceof StreamSocket ? conn : new StreamSocket(conn as Deno.Conn);
    next_home = new StreamHome(give(socket) as StreamSocket);
    sent.set(conn, stream = new CarriedStream());
  }
  return stream;
}

/** Closes a connection, unless it has arrived where it was sent. */
function drop(conn: object): void {
  const stream = sent.get(conn);
  if (stream) {
    const core = core_of(stream) as LocalCore<StreamHome>;
    if (core.home.possession.is_held(UNSENT)) core.withdraw();
  } else if (conn instanceof StreamSocket || CONNECTIONS.has(conn.constructor.name)) {
    // It may be closed already.
    (conn as Deno.Conn)[Symbol.dispose]();
  }
}

provide_class(KIND, CarriedStream);
provide_carrying({ takes: is_kindred, check, give, object_for: carried, drop });
