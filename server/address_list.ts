import { BlockList, isIP } from "node:net";
import { host_of } from "./address.ts";

/** How many bits an address of a family has. */
const BITS = { 4: 32, 6: 128 } as const;

/** The addresses of groups. */
const MULTICAST = ["224.0.0.0/4", "ff00::/8"];

/** Each list that was asked of, as it can be looked up: lists of a server stay as they are. */
const compiled = new WeakMap<readonly string[], BlockList>();

/** Whether a value is a list of IP addresses and blocks of them (CIDR), or none. */
export function is_address_list(value: unknown): boolean {
  return value === null || (Array.isArray(value) && value.every(is_entry));
}

/** Whether a value is a list of multicast groups, each alone or with `%` and an interface. */
export function is_group_list(value: unknown): boolean {
  return Array.isArray(value) && value.every(is_group);
}

function is_group(value: unknown): boolean {
  const [group = ""] = typeof value === "string" ? value.split("%") : [];
  return isIP(group) !== 0 && is_listed({ hostname: group }, MULTICAST);
}

/**
 * Whether a client is on a list. An IPv4 address is the same as the IPv6 one that it is mapped to. What is
 * no IP address, as that of a Unix client, is on none.
 *
 * @throws {RangeError} If the list has something else than addresses and blocks of them.
 */
export function is_listed(client_address: unknown, list: readonly string[]): boolean {
  const host = host_of(client_address);
  const family = isIP(host);
  return family !== 0 && look_up(list).check(host, family === 4 ? "ipv4" : "ipv6");
}

function look_up(list: readonly string[]): BlockList {
  const known = compiled.get(list);
  if (known) return known;
  const blocks = new BlockList();
  for (const entry of list) {
    if (!is_entry(entry)) {
      throw new RangeError(`${Deno.inspect(entry)} is no address, and no block`);
    }
    const [address, bits] = entry.split("/") as [string, string?];
    const family = isIP(address) as 4 | 6;
    blocks.addSubnet(address, Number(bits ?? BITS[family]), `ipv${family}`);
  }
  compiled.set(list, blocks);
  return blocks;
}

/** Whether it is an IP address, or one with the number of bits that count. */
function is_entry(value: unknown): value is string {
  if (typeof value !== "string") return false;
  const [, address, , bits] = /^([^/%]+)(\/(\d{1,3}))?$/.exec(value) ?? [];
  const family = isIP(address ?? "");
  return family !== 0 && Number(bits ?? 0) <= BITS[family as 4 | 6];
}
