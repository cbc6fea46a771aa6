import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { BrokerAddress } from "./broker-uri.ts";
import type { ReadMemory } from "./read-memory.ts";

/** Connects to a broker; what comes in is read as from any stream. */
export function openSocket({ secure, host, port }: BrokerAddress): Socket {
  if (!secure) return connectTcp({ host, port, noDelay: true });
  // An address is no name that could be asked for (RFC 6066, section 3).
  const socket = connectTls({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}) });
  return socket.setNoDelay(true);
}

/**
 * Connects to a broker; what comes in is put into `memory`.
 *
 * @param onRead called with the number of octets that have been put there; they are gone when it returns
 */
export function openSocketInto(memory: ReadMemory, address: BrokerAddress, onRead: (bytes: number) => void): Socket {
  const { secure, host, port } = address;
  if (!secure) {
    const callback = (bytes: number): boolean => {
      onRead(bytes);
      return true;
    };
    return connectTcp({ host, port, noDelay: true, onread: { buffer: memory.target, callback } });
  }
  return openSocket(address).on("data", (chunk: Buffer) => {
    for (let start = 0; start < chunk.length; start += memory.target.length) {
      onRead(chunk.copy(memory.target, 0, start));
    }
  });
}
