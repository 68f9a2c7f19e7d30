/** A program whose sequential server has a handler that ends it. */
import { TCPServer } from "../../mod.ts";
import { Noting } from "../fixtures/servers/noting.ts";
import { connect } from "./echo_clients.ts";
import { ExitingHandler } from "./handlers.ts";

const server = new (Noting(TCPServer))(["127.0.0.1", 0], ExitingHandler);
server.log.until(({ entries }) => {
  console.log(entries.at(-1) ?? "listening");
  return false;
});
using _client = await connect(server.server_address);
await server.handle_request();
console.log("handled");
