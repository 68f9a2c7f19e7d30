/**
 * The module of a child process that runs one thing. SIGTERM ends it, or does what that thing has it do.
 *
 * @module
 */
import { live_as_child } from "./child_life.ts";
import { ignore_signals } from "./ignored_signals.ts";

ignore_signals("SIGTERM");
live_as_child();
