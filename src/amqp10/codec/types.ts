/** The one place where rhea's codec is taken in: AMQP 1.0 values of every type, to and from octets. */

import rhea from "rhea";

/** An AMQP 1.0 value with its type. `type.name` is rhea's name for the encoding, e.g. "SmallUint". */
export interface Typed {
  readonly type: { readonly name: string; readonly typecode: number };
  /**
   * number, string, boolean, Date or Buffer; of a list its {@link Typed} elements, of a map its keys and values in turn.
   * A 64-bit integer beyond the safe ones is its eight octets.
   */
  readonly value: unknown;
  readonly descriptor?: Typed;
}

interface RheaTypes {
  Reader: new (buffer: Buffer) => { position: number; read(): Typed };
  Writer: new (buffer: Buffer) => { write(value: Typed): void; toBuffer(): Buffer };
  Null(): Typed;
  Map32(items: readonly Typed[]): Typed;
  List32(items: readonly Typed[]): Typed;
  Long(octets: Buffer): Typed;
  Uuid(octets: Buffer): Typed;
  wrap_boolean(value: boolean): Typed;
  wrap_ubyte(value: number): Typed;
  wrap_ushort(value: number): Typed;
  wrap_uint(value: number): Typed;
  wrap_ulong(value: number | Buffer): Typed;
  wrap_byte(value: number): Typed;
  wrap_short(value: number): Typed;
  wrap_int(value: number): Typed;
  wrap_float(value: number): Typed;
  wrap_double(value: number): Typed;
  wrap_timestamp(milliseconds: number): Typed;
  wrap_binary(octets: Buffer): Typed;
  wrap_string(text: string): Typed;
  wrap_symbol(text: string): Typed;
  readonly by_code: Readonly<Record<number, { create(value: unknown): Typed }>>;
  wrap_array(items: readonly unknown[], typecode: number): Typed;
}

/** What a writer begins with; it grows. */
const WRITER_BYTES = 256;

const STR8 = 0xa1;
const STR32 = 0xb1;
const SYM8 = 0xa3;
const SYM32 = 0xb3;
const LIST32 = 0xd0;
const MAP8 = 0xc1;
const MAP32 = 0xd1;
const ARRAY32 = 0xf0;
/** The long forms of what can grow when it is written again. */
const WIDE: ReadonlyMap<number, number> = new Map([
  [STR8, STR32],
  [0x45, LIST32],
  [0xc0, LIST32],
  [MAP8, MAP32],
  [0xe0, ARRAY32],
]);
/** rhea's category of values whose octets are written as they are. */
const FIXED_WIDTH = 1;

const types = rhea.types as unknown as RheaTypes;

/** The value whose constructor is at `start`. The octets must have been checked: see value-check.ts. */
export function readValue(buffer: Buffer, start: number): Typed {
  const reader = new types.Reader(buffer);
  reader.position = start;
  return reader.read();
}

export function encodeValue(value: Typed): Buffer {
  return encodeValues([value]);
}

/**
 * What a client has sent, to be sent back. rhea cannot write all that it has read: of arrays of 64-bit integers, decimals
 * or arrays it throws, those of lists it empties, and what has grown does not fit the short forms.
 */
export function echo(value: Typed): Typed {
  const { descriptor } = value;
  const content = echoContent(value);
  return descriptor === undefined ? content : { ...content, descriptor: echo(descriptor) };
}

function echoContent(read: Typed): Typed {
  const { type, value, array_constructor: element } = read as ReadArray;
  // Octets that are no UTF-8 have become longer.
  if (type.typecode === STR8) return string(value as string);
  // The arrays of ours hold plain values.
  if (!Array.isArray(value) || !value.every((item) => typeof item === "object")) return read;
  const items = value.map((item: Typed) => echo(item));
  if (element !== undefined) return encodedArray(items, element);
  return type.typecode === MAP8 || type.typecode === MAP32 ? map(items) : list(items);
}

/** An array as a value whose octets are there already. */
function encodedArray(items: readonly Typed[], { typecode, descriptor }: ArrayConstructor): Typed {
  const prefix = descriptor === undefined ? [] : [Buffer.of(0), encodeValue(echo(descriptor))];
  const wideCode = WIDE.get(typecode) ?? typecode;
  const content = Buffer.concat([...prefix, Buffer.of(wideCode), ...items.map((item) => contentOf(item, wideCode))]);
  const sizes = Buffer.alloc(8);
  sizes.writeUInt32BE(4 + content.length, 0);
  sizes.writeUInt32BE(items.length, 4);
  const octets = Buffer.concat([sizes, content]);
  const type = { name: "Array32", typecode: ARRAY32, width: octets.length, category: FIXED_WIDTH };
  return { type, value: octets };
}

/** An element of an array: what follows the constructor. */
function contentOf({ type, value }: Typed, typecode: number): Buffer {
  const wide = type.typecode === typecode ? { type, value } : types.by_code[typecode]?.create(value);
  return encodeValue(wide as Typed).subarray(1);
}

interface ArrayConstructor {
  readonly typecode: number;
  readonly descriptor?: Typed;
}

interface ReadArray extends Typed {
  /** Of arrays only. */
  readonly array_constructor?: ArrayConstructor;
}

/** Values one behind the other. */
export function encodeValues(values: readonly Typed[]): Buffer {
  // A kibibyte of zeros is what rhea would begin with.
  const writer = new types.Writer(Buffer.allocUnsafe(WRITER_BYTES));
  for (const value of values) writer.write(value);
  return writer.toBuffer();
}

export const NULL = types.Null();

export const bool = (value: boolean): Typed => types.wrap_boolean(value);
export const ubyte = (value: number): Typed => types.wrap_ubyte(value);
export const ushort = (value: number): Typed => types.wrap_ushort(value);
export const uint = (value: number): Typed => types.wrap_uint(value);
export const ulong = (value: number): Typed => types.wrap_ulong(value);
export const byte = (value: number): Typed => types.wrap_byte(value);
export const short = (value: number): Typed => types.wrap_short(value);
export const int = (value: number): Typed => types.wrap_int(value);
export const float = (value: number): Typed => types.wrap_float(value);
export const double = (value: number): Typed => types.wrap_double(value);
export const timestamp = (milliseconds: number): Typed => types.wrap_timestamp(milliseconds);
export const binary = (octets: Buffer): Typed => types.wrap_binary(octets);
export const string = (text: string): Typed => types.wrap_string(text);
export const symbol = (text: string): Typed => types.wrap_symbol(text);
export const uuid = (octets: Buffer): Typed => types.Uuid(octets);
export const symbols = (texts: readonly string[]): Typed => types.wrap_array(texts, isShort(texts) ? SYM8 : SYM32);
export const strings = (texts: readonly string[]): Typed => types.wrap_array(texts, isShort(texts) ? STR8 : STR32);
export const list = (items: readonly Typed[]): Typed => types.List32(items);
/** rhea's own function of that name changes `value`, which may be used elsewhere. */
export const described = (descriptor: Typed, value: Typed): Typed => ({ ...value, descriptor });

function isShort(texts: readonly string[]): boolean {
  return texts.every((text) => Buffer.byteLength(text) <= 0xff);
}

/** A signed 64-bit integer. */
export function long(value: bigint): Typed {
  const octets = Buffer.alloc(8);
  octets.writeBigInt64BE(value);
  return types.Long(octets);
}

/** Keys and values in turn. */
export const map = (items: readonly Typed[]): Typed => types.Map32(items);

export function symbolMap(entries: Iterable<readonly [string, Typed]>): Typed {
  return map([...entries].flatMap(([key, value]) => [symbol(key), value]));
}

export function stringMap(entries: Iterable<readonly [string, Typed]>): Typed {
  return map([...entries].flatMap(([key, value]) => [string(key), value]));
}

/** A described list, as all performatives and most sections are: trailing nulls are left out. */
export function composite(code: number, fields: readonly (Typed | undefined)[]): Typed {
  let count = fields.length;
  while (count > 0 && fields[count - 1] === undefined) count--;
  return described(ulong(code), list(fields.slice(0, count).map((field) => field ?? NULL)));
}
