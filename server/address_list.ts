import { BlockList, isIP } from "node:net";

/** The entry that stands for all addresses. */
const ALL = "*";
/** How many bits an address has, by its version. */
const BITS = { 4: 32, 6: 128 } as const;

/** Addresses, and ranges of them in CIDR notation: `"192.0.2.7"`, `"10.0.0.0/8"`, `"fd00::/8"`, or `"*"`. */
export class AddressList {
  #addresses: BlockList = new BlockList();
  #has_all = false;

  /**
   * @param entries Good ones, as {@linkcode is_address_range} says.
   */
  constructor(entries: readonly string[]) {
    for (const entry of entries) {
      const [address, bits] = entry.split("/") as [string, string?];
      const family = isIP(address) === 6 ? "ipv6" : "ipv4";
      if (entry === ALL) this.#has_all = true;
      else if (bits === undefined) this.#addresses.addAddress(address, family);
      else this.#addresses.addSubnet(address, Number(bits), family);
    }
  }

  /** Whether an address of IPv4 or IPv6 is one of them. */
  has(hostname: string): boolean {
    if (this.#has_all) return true;
    const version = isIP(hostname);
    return version !== 0 && this.#addresses.check(hostname, version === 6 ? "ipv6" : "ipv4");
  }
}

/** Whether a value is an entry of an {@linkcode AddressList}. */
export function is_address_range(value: unknown): boolean {
  if (value === ALL) return true;
  const [, address, bits = "0"] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(String(value)) ?? [];
  const version = isIP(address ?? "") as keyof typeof BITS | 0;
  return typeof value === "string" && version !== 0 && Number(bits) <= BITS[version];
}
