/**
 * What an AMQP 1.0 message was beside its body, kept with the message as it came: a receiver that speaks AMQP 1.0 gets
 * it back octet by octet. It is a header of type binary:
 *
 *     u32 fingerprint | u32 number of data sections, when there is not one | u32 length of each | sections
 *
 * The fingerprint is that of what 0-9-1 receivers see (fingerprint.ts). Whoever publishes the message again through
 * 0-9-1 with other properties changes that, and the sections do not count any more.
 */

import { isEmptySection, type Range, readSections, type Section, type Sections } from "./sections.ts";

export const ORIGINAL_SECTIONS_HEADER = "x-amqp-1.0-sections";

const FINGERPRINT_BYTES = 4;
const COUNT_BYTES = 4;
const SINGLE_DATA = 0xffff_ffff;

/** The sections, back from the header. */
export interface OriginalSections {
  readonly fingerprint: number;
  /** Where the sections are. */
  readonly buffer: Buffer;
  readonly sections: Sections;
  /** The lengths of the data sections; undefined when there was just one, or a body of another kind. */
  readonly dataLengths: readonly number[] | undefined;
}

/**
 * The value of the header; undefined when there is nothing to keep. The fingerprint is still to be filled in.
 *
 * @param data where the octets of each data section are; undefined for a body of another kind
 */
export function packOriginalSections(
  buffer: Buffer,
  sections: Sections,
  data: readonly Range[] | undefined,
): Buffer | undefined {
  const { messageAnnotations, properties, applicationProperties, footer } = sections;
  const kept = [messageAnnotations, properties, applicationProperties, footer].filter(
    (section) => section !== undefined && !isEmptySection(buffer, section),
  ) as Section[];
  const lengths = data === undefined || data.length === 1 ? undefined : data;
  if (kept.length === 0 && lengths === undefined) return undefined;
  const head = Buffer.alloc(FINGERPRINT_BYTES + COUNT_BYTES + 4 * (lengths?.length ?? 0));
  head.writeUInt32BE(lengths?.length ?? SINGLE_DATA, FINGERPRINT_BYTES);
  lengths?.forEach(({ start, end }, index) => {
    head.writeUInt32BE(end - start, FINGERPRINT_BYTES + COUNT_BYTES + 4 * index);
  });
  return Buffer.concat([head, ...kept.map(({ start, end }) => buffer.subarray(start, end))]);
}

export function setFingerprint(packed: Buffer, fingerprint: number): void {
  packed.writeUInt32BE(fingerprint, 0);
}

/**
 * Reads the header, which any 0-9-1 client may have made up.
 *
 * @throws Amqp10Error amqp:decode-error, RangeError
 */
export function unpackOriginalSections(packed: Buffer): OriginalSections {
  const fingerprint = packed.readUInt32BE(0);
  const count = packed.readUInt32BE(FINGERPRINT_BYTES);
  let at = FINGERPRINT_BYTES + COUNT_BYTES;
  let dataLengths: number[] | undefined;
  if (count !== SINGLE_DATA) {
    dataLengths = [];
    for (let index = 0; index < count; index++, at += 4) dataLengths.push(packed.readUInt32BE(at));
  }
  return { fingerprint, buffer: packed, sections: readSections(packed, at, packed.length), dataLengths };
}
