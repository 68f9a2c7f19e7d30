import type { BlockList } from "node:net";
import { late } from "../internal/runtime/late.ts";
import { host_of } from "./address.ts";

/** The entry that stands for all addresses, and what it means. */
const ALL = "*";
const EVERYWHERE = ["0.0.0.0/0", "::/0"];
/** The addresses of groups. */
const MULTICAST = ["224.0.0.0/4", "ff00::/8"];
/** How many bits an address has, by its version. */
const BITS = { 4: 32, 6: 128 } as const;

/** Each list that was asked of, as it can be looked up: lists of a server stay as they are. */
const compiled = new WeakMap<readonly string[], BlockList>();

/**
 * Whether an address is on a list. An IPv4 address is the same as the IPv6 one that it is mapped to. What is
 * no IP address, as that of a Unix client, is on none.
 *
 * @param address An address of a client or a proxy.
 * @param list IP addresses, ranges of them in CIDR notation (`"10.0.0.0/8"`, `"fd00::/8"`), or `"*"`.
 * @throws {RangeError} If the list has something else.
 */
export function is_listed(address: unknown, list: readonly string[]): boolean {
  const host = host_of(address);
  const version = late.net.isIP(host);
  return version !== 0 && look_up(list).check(host, version === 4 ? "ipv4" : "ipv6");
}

/** Whether a value is a list for {@linkcode is_listed}. */
export function is_address_list(value: unknown): boolean {
  return Array.isArray(value) && value.every(is_entry);
}

/** Whether a value is a list of multicast groups, each alone or with `%` and an interface. */
export function is_group_list(value: unknown): boolean {
  return Array.isArray(value) && value.every(is_group);
}

function is_group(value: unknown): boolean {
  const [group = ""] = typeof value === "string" ? value.split("%") : [];
  return is_listed({ hostname: group }, MULTICAST);
}

function is_entry(value: unknown): value is string {
  if (typeof value !== "string") return false;
  const [, address = "", bits = "0"] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(value) ?? [];
  const version = late.net.isIP(address) as keyof typeof BITS | 0;
  return value === ALL || (version !== 0 && Number(bits) <= BITS[version]);
}

function look_up(list: readonly string[]): BlockList {
  const known = compiled.get(list);
  if (known) return known;
  const blocks = new late.net.BlockList();
  for (const entry of list) add(blocks, entry);
  compiled.set(list, blocks);
  return blocks;
}

function add(blocks: BlockList, entry: string): void {
  if (!is_entry(entry)) {
    throw new RangeError(`${Deno.inspect(entry)} is no address, and no range of addresses`);
  }
  if (entry === ALL) return EVERYWHERE.forEach((range) => add(blocks, range));
  const [address, bits] = entry.split("/") as [string, string?];
  const version = late.net.isIP(address) as keyof typeof BITS;
  blocks.addSubnet(address, Number(bits ?? BITS[version]), `ipv${version}`);
}
