import { isIPv4, isIPv6, SocketAddress } from "node:net";
import { isLoopbackAddress, type PeerInfo } from "../lib/peer-info.ts";
import { type Decision, MORE_OCTETS, startsAlike } from "./first-octets.ts";

/** The ends of a connection as a proxy has seen them. */
export type ProxiedAddresses = Pick<PeerInfo, "host" | "port" | "localHost" | "localPort">;

/** What a proxy says about a connection: whose it is, that it does not know, that it is its own, or nonsense. */
export type ProxyHeader =
  | { readonly kind: "proxied"; readonly addresses: ProxiedAddresses }
  | { readonly kind: "unknown" }
  | { readonly kind: "local" }
  | { readonly kind: "malformed"; readonly reason: string };

const VERSION_1_START = Buffer.from("PROXY ", "latin1");
/** The longest line of version 1 with its CRLF. */
const VERSION_1_BYTES_MAX = 107;

const VERSION_2_START = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
const VERSION_2_FIXED_BYTES = 16;
/** Addresses and extensions; a client's certificate among them may take a few thousand octets. */
const VERSION_2_VARIABLE_BYTES_MAX = 4096;
const COMMAND_LOCAL = 0x20;
const COMMAND_PROXY = 0x21;
const FAMILY_TCP4 = 0x11;
const FAMILY_TCP6 = 0x21;
const TCP4_BYTES = 12;
const TCP6_BYTES = 36;

/**
 * Reads the header of the PROXY protocol, version 1 or 2, at the beginning of a stream. HAProxy's "The PROXY protocol
 * versions 1 & 2", sections 2.1 and 2.2.
 */
export function proxyHeader(octets: Buffer): Decision<ProxyHeader> | typeof MORE_OCTETS {
  if (startsAlike(octets, VERSION_2_START)) return version2(octets);
  if (startsAlike(octets, VERSION_1_START)) return version1(octets);
  return malformed("it does not begin with a PROXY protocol header");
}

/** Who a client is that a proxy speaks for. One that the proxy does not know is not taken to be on this machine. */
export function proxiedPeer(peer: PeerInfo, header: ProxyHeader): PeerInfo {
  if (header.kind === "unknown") return { ...peer, loopback: false };
  if (header.kind !== "proxied") return peer;
  return { ...peer, ...header.addresses, loopback: isLoopbackAddress(header.addresses.host) };
}

function version1(octets: Buffer): Decision<ProxyHeader> | typeof MORE_OCTETS {
  const end = octets.subarray(0, VERSION_1_BYTES_MAX).indexOf("\r\n", 0, "latin1");
  if (end === -1) {
    return octets.length < VERSION_1_BYTES_MAX ? MORE_OCTETS : malformed("the line of version 1 does not end");
  }
  const usedBytes = end + 2;
  const [, family, host, localHost, port, localPort, ...rest] = octets.toString("latin1", 0, end).split(" ");
  if (family === "UNKNOWN") return { value: { kind: "unknown" }, usedBytes };
  const isAddress = family === "TCP4" ? isIPv4 : family === "TCP6" ? isIPv6 : undefined;
  if (isAddress === undefined) return malformed("the protocol of version 1 is none of TCP4, TCP6 and UNKNOWN");
  if (host === undefined || localHost === undefined || !isAddress(host) || !isAddress(localHost)) {
    return malformed(`an address of version 1 is not of family ${family}`);
  }
  if (!isPort(port) || !isPort(localPort) || rest.length > 0) return malformed("a port of version 1 is no port");
  const addresses = {
    host: usualForm(host),
    port: Number(port),
    localHost: usualForm(localHost),
    localPort: Number(localPort),
  };
  return { value: { kind: "proxied", addresses }, usedBytes };
}

function version2(octets: Buffer): Decision<ProxyHeader> | typeof MORE_OCTETS {
  if (octets.length < VERSION_2_FIXED_BYTES) return MORE_OCTETS;
  const command = octets.readUInt8(12);
  const family = octets.readUInt8(13);
  const variableBytes = octets.readUInt16BE(14);
  if (command !== COMMAND_LOCAL && command !== COMMAND_PROXY) return malformed("version and command are not known");
  if (variableBytes > VERSION_2_VARIABLE_BYTES_MAX)
    return malformed(`${variableBytes} octets of addresses are too many`);
  const usedBytes = VERSION_2_FIXED_BYTES + variableBytes;
  if (octets.length < usedBytes) return MORE_OCTETS;
  if (command === COMMAND_LOCAL) return { value: { kind: "local" }, usedBytes };
  const expectedBytes = family === FAMILY_TCP4 ? TCP4_BYTES : family === FAMILY_TCP6 ? TCP6_BYTES : undefined;
  // Unix sockets, datagrams and what is not specified say nothing that could be used.
  if (expectedBytes === undefined) return { value: { kind: "unknown" }, usedBytes };
  if (variableBytes < expectedBytes) return malformed("the addresses of version 2 are cut short");
  const addressBytes = family === FAMILY_TCP4 ? 4 : 16;
  const ports = VERSION_2_FIXED_BYTES + 2 * addressBytes;
  const addresses = {
    host: addressAt(octets, VERSION_2_FIXED_BYTES, addressBytes),
    port: octets.readUInt16BE(ports),
    localHost: addressAt(octets, VERSION_2_FIXED_BYTES + addressBytes, addressBytes),
    localPort: octets.readUInt16BE(ports + 2),
  };
  return { value: { kind: "proxied", addresses }, usedBytes };
}

function malformed(reason: string): Decision<ProxyHeader> {
  return { value: { kind: "malformed", reason }, usedBytes: 0 };
}

function isPort(text: string | undefined): boolean {
  return text !== undefined && /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;
}

function addressAt(octets: Buffer, offset: number, bytes: number): string {
  if (bytes === 4) return octets.subarray(offset, offset + 4).join(".");
  const groups = Array.from({ length: 8 }, (_, index) => octets.readUInt16BE(offset + 2 * index).toString(16));
  return usualForm(groups.join(":"));
}

/** An address as node:net would report it, so that loopback and mapped addresses are recognised. */
function usualForm(address: string): string {
  return new SocketAddress({ address, family: isIPv6(address) ? "ipv6" : "ipv4" }).address;
}
