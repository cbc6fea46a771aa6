import { BlockList, isIP, isIPv6 } from "node:net";

/** IP addresses and networks, such as 10.0.0.0/8 or fd00::/8, to which an address may belong. */
export class AddressList {
  readonly #addresses = new BlockList();

  /** @throws RangeError for an entry that {@link isNetwork} refuses */
  constructor(networks: readonly string[]) {
    for (const network of networks) {
      const parsed = parseNetwork(network);
      if (parsed === undefined) throw new RangeError(`${network} is no IP address or network`);
      this.#addresses.addSubnet(parsed.address, parsed.prefixBits, familyOf(parsed.address));
    }
  }

  /** Whether an IP address, as node:net reports it, is one of these; a mapped IPv4 address counts as what it maps. */
  has(address: string): boolean {
    return isIP(address) !== 0 && this.#addresses.check(address, familyOf(address));
  }
}

/** Whether a text is an IP address or a network: an address, a slash and the length of the prefix. */
export function isNetwork(text: string): boolean {
  return parseNetwork(text) !== undefined;
}

function parseNetwork(text: string): { address: string; prefixBits: number } | undefined {
  const [address = "", prefix, ...rest] = text.split("/");
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return undefined;
  const bits = version === 4 ? 32 : 128;
  if (prefix === undefined) return { address, prefixBits: bits };
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= bits ? { address, prefixBits: Number(prefix) } : undefined;
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIPv6(address) ? "ipv6" : "ipv4";
}
