// The stable @std/async/pool, taken from npm.
// @ts-types="./pool.d.ts"
export * from "npm:deno-std@1.4.0/async/pool.js";
