/**
 * What a server is doing, where people and programs look: a page that shows it live.
 *
 * | what | for whom |
 * |---|---|
 * | {@linkcode Monitor} | a page in a browser, and `/info`, `/metrics`, `/health` for programs |
 *
 * [docs/observing.md](docs/observing.md) says more.
 *
 * @module
 */
export { Monitor, type MonitorOptions } from "./monitor.ts";
export type { Watchable } from "./watch.ts";
