import type { ServerObserver } from "../../mod.ts";
import { json_log, text_log } from "../../operation/monitor/mod.ts";
import { opentelemetry } from "../../packages/opentelemetry/mod.ts";

/** The observers that are measured, by their names. */
export const OBSERVERS: Record<string, () => ServerObserver | null> = {
  none: () => null,
  empty: () => () => {},
  text_log: () => text_log(),
  json_log: () => json_log(),
  metrics: () => opentelemetry({ spans: false }),
  spans: () => opentelemetry(),
};
