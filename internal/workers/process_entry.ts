/**
 * The module of a worker of a server or a pool that is a child process.
 *
 * @module
 */
import { live_as_child } from "./child_life.ts";
import { ignore_signals } from "./ignored_signals.ts";

ignore_signals();
live_as_child();
