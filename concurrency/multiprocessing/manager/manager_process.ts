import { type ClassPlace, load_class } from "../../../internal/workers/class_place.ts";
import type { SimpleQueue } from "../../queue/queue.ts";
import type { Event } from "../../threading/event.ts";
import type { BaseManager, ManagerAddress, ManagerOptions } from "./base_manager.ts";

/**
 * Serves a manager in a process of its own.
 *
 * @param started Gets the address.
 * @param stop Says when it is to stop.
 * @param place Where its class is.
 * @param options What it is told.
 */
export async function serve_manager(
  started: SimpleQueue<ManagerAddress>,
  stop: Event,
  place: ClassPlace,
  options: ManagerOptions,
): Promise<void> {
  const Manager = await load_class(place) as new (options: ManagerOptions) => BaseManager;
  await using server = new Manager(options).get_server();
  const serving = server.serve_forever();
  await started.put(server.server_address);
  await stop.wait();
  await server.shutdown();
  await serving;
}
serve_manager.module = import.meta.url;
