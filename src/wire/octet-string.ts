/**
 * Strings of the protocol as JavaScript strings, without loss.
 *
 * shortstr and longstr are octets; most are UTF-8, but nothing on the wire promises it. Octets that are valid UTF-8
 * become the text they encode. Any other octets become one lone surrogate each, U+DC00 plus the octet. Such a string
 * compares equal only to itself and goes back on the wire as the very octets it came from. A text in UTF-8 never
 * decodes to a lone surrogate, so the two forms cannot be confused.
 */

import { isUtf8 } from "node:buffer";

const ESCAPE_HIGH_OCTET = 0xdc;

/** The octets from `start` to `end` as a string. */
export function stringFromOctets(buffer: Buffer, start: number, end: number): string {
  const octets = buffer.subarray(start, end);
  return isUtf8(octets) ? octets.toString("utf8") : escapeOctets(octets);
}

/** The octets of a string, those of a string that {@link stringFromOctets} made of raw octets included. */
export function octetsFromString(value: string): Buffer {
  // "latin1" keeps the low octet of every code unit, which is the octet that was escaped.
  return Buffer.from(value, holdsRawOctets(value) ? "latin1" : "utf8");
}

/** True for a string that stands for octets which are not valid UTF-8. */
export function holdsRawOctets(value: string): boolean {
  if (value.length === 0) return false;
  for (let index = 0; index < value.length; index++) {
    if (value.charCodeAt(index) >> 8 !== ESCAPE_HIGH_OCTET) return false;
  }
  return true;
}

function escapeOctets(octets: Buffer): string {
  const codeUnits = Buffer.alloc(octets.length * 2, ESCAPE_HIGH_OCTET);
  for (let index = 0; index < octets.length; index++) codeUnits[index * 2] = octets[index] as number;
  return codeUnits.toString("utf16le");
}
