import { createHash } from "node:crypto";
import style from "./page.css" with { type: "text" };
import html from "./page.html" with { type: "text" };
import script from "./page.js" with { type: "text" };

/** The page, in one piece. */
export const PAGE: string = html
  .replace("<style></style>", () => `<style>${style}</style>`)
  .replace('<script type="module"></script>', () => `<script type="module">${script}</script>`);

/** What a browser lets it do: what it has in itself, and ask here; nothing that comes in from elsewhere. */
export const POLICY: string = [
  "default-src 'none'",
  `style-src ${hash_of(style)}`,
  `script-src ${hash_of(script)}`,
  "img-src data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

function hash_of(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}
