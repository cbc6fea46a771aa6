/** As much of DER (ITU-T X.690) as certificates need: every function returns an encoded value. */

export function sequence(...values: readonly Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(values));
}

export function setOf(...values: readonly Buffer[]): Buffer {
  return tagged(0x31, Buffer.concat(values));
}

/** An explicit, constructed tag of the context. */
export function context(number: number, value: Buffer): Buffer {
  return tagged(0xa0 + number, value);
}

/** An implicit, primitive tag of the context. */
export function implicit(number: number, octets: Buffer): Buffer {
  return tagged(0x80 + number, octets);
}

/** A number that is not negative, its octets most significant first. */
export function integer(octets: Buffer): Buffer {
  return tagged(0x02, (octets[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), octets]) : octets);
}

export function boolean(value: boolean): Buffer {
  return tagged(0x01, Buffer.of(value ? 0xff : 0));
}

export function bitString(octets: Buffer): Buffer {
  return tagged(0x03, Buffer.concat([Buffer.of(0), octets]));
}

export function octetString(octets: Buffer): Buffer {
  return tagged(0x04, octets);
}

export function utf8String(text: string): Buffer {
  return tagged(0x0c, Buffer.from(text));
}

/** A moment, to the second. */
export function generalizedTime(date: Date): Buffer {
  return tagged(0x18, Buffer.from(`${date.toISOString().replace(/\D/g, "").slice(0, 14)}Z`));
}

/** Numbers with dots between, such as "2.5.4.3". */
export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return tagged(0x06, Buffer.concat([40 * first + second, ...rest].map(base128)));
}

function base128(number: number): Buffer {
  const octets = [number % 128];
  for (let left = Math.floor(number / 128); left > 0; left = Math.floor(left / 128))
    octets.unshift(0x80 | (left % 128));
  return Buffer.from(octets);
}

function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content]);
  if (length < 0x100) return Buffer.concat([Buffer.of(tag, 0x81, length), content]);
  return Buffer.concat([Buffer.of(tag, 0x82, length >> 8, length & 0xff), content]);
}
