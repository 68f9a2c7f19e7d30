/** The handlers of Python's suite, and those that its missing cases need. */
import {
  BaseRequestHandler,
  type BaseServer,
  DatagramRequestHandler,
  StreamRequestHandler,
  type StreamSocket,
} from "../../mod.ts";
import type { NotingMembers } from "../fixtures/servers/noting.ts";
import { turn } from "../fixtures/tools/waiting.ts";

/** A server as the handlers here see it. */
type Server = BaseServer & NotingMembers;

/** A handler of any stream or datagram server that uses nothing of its request. */
class AnyHandler extends BaseRequestHandler<Server, unknown, unknown> {
  static override module = import.meta.url;
}

/** Writes one line back. */
export class EchoLineHandler extends StreamRequestHandler<BaseServer, Deno.Addr> {
  static override module = import.meta.url;

  override async handle(): Promise<void> {
    await this.wfile.write(await this.rfile.readline());
  }
}

/** Writes the first line of a datagram back. */
export class EchoPacketHandler extends DatagramRequestHandler<BaseServer, Deno.Addr> {
  static override module = import.meta.url;

  override async handle(): Promise<void> {
    await this.wfile.write(await this.rfile.readline());
  }
}

/** Reads to the end of the input, and only then writes it back. */
export class EchoAllHandler extends StreamRequestHandler {
  static override module = import.meta.url;

  override async handle(): Promise<void> {
    await this.wfile.write(await this.rfile.read());
  }
}

/** Has an error. */
export class FailingHandler extends AnyHandler {
  override async handle(): Promise<void> {
    await this.server.note("handler");
    throw new RangeError("on purpose");
  }
}

/** Ends the program, or the worker or child in which it is. */
export class ExitingHandler extends AnyHandler {
  override async handle(): Promise<void> {
    await this.server.note("handler");
    Deno.exit(3);
  }
}

/** Notes its steps. */
export class StepsHandler extends AnyHandler {
  override async setup(): Promise<void> {
    await this.server.note("setup");
  }
  override async handle(): Promise<void> {
    await this.server.note("handle");
  }
  override async finish(): Promise<void> {
    await this.server.note("finish");
  }
}

/** Fails in its first step. */
export class FailingSetupHandler extends StepsHandler {
  override async setup(): Promise<void> {
    await super.setup();
    throw new RangeError("on purpose");
  }
}

/** Fails in its second step. */
export class FailingHandleHandler extends StepsHandler {
  override async handle(): Promise<void> {
    await super.handle();
    throw new RangeError("on purpose");
  }
}

/** Fails in its last step. */
export class FailingFinishHandler extends StepsHandler {
  override async finish(): Promise<void> {
    await super.finish();
    throw new RangeError("on purpose");
  }
}

/** Notes when it begins and ends; between them it waits for a line. */
export class VisitHandler extends StreamRequestHandler<Server> {
  static override module = import.meta.url;

  override async handle(): Promise<void> {
    await this.server.note("begin");
    await this.wfile.write("in\n");
    await this.rfile.readline();
    await this.server.note("end");
    await this.wfile.write("out\n");
  }
}

/** Does with a datagram what it says. */
export class PacketCommandHandler extends DatagramRequestHandler<Server, Deno.Addr> {
  static override module = import.meta.url;

  override async handle(): Promise<void> {
    const command = new TextDecoder().decode(this.packet);
    await this.server.note(`"${command.slice(0, 20)}" of ${this.packet.length} bytes`);
    // So that the server waits for the next datagram when this one is answered.
    await turn();
    if (command === "silence") return;
    if (command === "fail") {
      await this.wfile.write("partial");
      throw new RangeError("on purpose");
    }
    for (const word of command.split(" ")) await this.wfile.write(word);
  }
}

/** Cannot wait for its client for longer than 20 ms, and says so. */
export class ImpatientHandler extends StreamRequestHandler<Server> {
  static override module = import.meta.url;
  static override timeout = 20;

  override async handle(): Promise<void> {
    await this.rfile.readline();
  }
}

/** Says when it has waited for too long, and then waits as long as it takes. */
export class ForgivingHandler extends ImpatientHandler {
  override async handle(): Promise<void> {
    try {
      await this.rfile.readline();
    } catch (error) {
      if (!(error instanceof Deno.errors.TimedOut)) throw error;
      await this.wfile.write("timed out\n");
    }
    (this.connection as StreamSocket).settimeout(null);
    await this.wfile.write(await this.rfile.readline());
  }
}
