import { Amqp10Error } from "../error-condition.ts";
import { integerOf, isList, recordOf, textOf, typeName } from "./type-names.ts";
import type { Typed } from "./types.ts";

const UINT_MAX = 0xffff_ffff;

/** The fields of a composite value, by position. Absent and null are the same. */
export class Fields {
  readonly #name: string;
  readonly #values: readonly Typed[];

  /**
   * @param name what it is a field of, for error texts
   * @throws Amqp10Error amqp:decode-error when it is no list
   */
  constructor(name: string, list: Typed) {
    if (!isList(list)) throw new Amqp10Error("amqp:decode-error", `${name} is not a list`);
    this.#name = name;
    this.#values = list.value as readonly Typed[];
  }

  /** Undefined when the field is absent. */
  get(index: number): Typed | undefined {
    const value = this.#values[index];
    return value === undefined || typeName(value) === "null" ? undefined : value;
  }

  /** @throws Amqp10Error amqp:decode-error when it is neither a string nor a symbol */
  text(index: number): string | undefined {
    return this.#expect(index, textOf);
  }

  /** @throws Amqp10Error amqp:decode-error when it is no integer from 0 to `max` */
  number(index: number, max = UINT_MAX): number | undefined {
    return this.#expect(index, (value) => {
      const integer = integerOf(value);
      return integer === undefined || integer < 0n || integer > max ? undefined : Number(integer);
    });
  }

  /** @throws Amqp10Error amqp:decode-error when it is absent or no number */
  requiredNumber(index: number): number {
    const number = this.number(index);
    if (number === undefined) throw this.#wrong(index);
    return number;
  }

  /** False when absent. @throws Amqp10Error amqp:decode-error when it is no boolean */
  flag(index: number): boolean {
    return this.#expect(index, booleanOf) ?? false;
  }

  /** @throws Amqp10Error amqp:decode-error when it is not binary */
  octets(index: number): Buffer | undefined {
    return this.#expect(index, (value) => (typeName(value) === "binary" ? (value.value as Buffer) : undefined));
  }

  /** A symbol or an array of symbols; empty when absent. @throws Amqp10Error amqp:decode-error when it is neither */
  symbols(index: number): readonly string[] {
    return this.#expect(index, symbolsOf) ?? [];
  }

  /** A map by the text of its keys; empty when absent. @throws Amqp10Error amqp:decode-error when it is none */
  record(index: number): ReadonlyMap<string, Typed> {
    return this.#expect(index, recordOf) ?? new Map();
  }

  #expect<Value>(index: number, read: (value: Typed) => Value | undefined): Value | undefined {
    const value = this.get(index);
    if (value === undefined) return undefined;
    const result = read(value);
    if (result === undefined) throw this.#wrong(index);
    return result;
  }

  #wrong(index: number): Amqp10Error {
    return new Amqp10Error("amqp:decode-error", `field ${index} of ${this.#name} is missing or of the wrong type`);
  }
}

function booleanOf(value: Typed): boolean | undefined {
  return typeName(value) === "boolean" ? Boolean(value.value) : undefined;
}

function symbolsOf(value: Typed): string[] | undefined {
  const text = textOf(value);
  if (text !== undefined) return [text];
  if (typeName(value) !== "array") return undefined;
  return (value.value as readonly Typed[]).map((item) => String(item.value));
}
