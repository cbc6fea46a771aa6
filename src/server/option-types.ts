import * as v from "valibot";

export const KIBIBYTE = 1024;
export const MEBIBYTE = 1024 * KIBIBYTE;
export const GIBIBYTE = 1024 * MEBIBYTE;

/** What stands for no file, no port and no entry. */
export const NOTHING = "none";

export function integer(minimum: number, maximum: number, defaultValue: number, meaning: string) {
  const allowed = `an integer from ${minimum} to ${maximum}`;
  return v.optional(
    v.pipe(
      v.number(allowed),
      v.integer(allowed),
      v.minValue(minimum, allowed),
      v.maxValue(maximum, allowed),
      v.title(allowed),
      v.description(meaning),
    ),
    defaultValue,
  );
}

export function zeroOrInteger(minimum: number, maximum: number, defaultValue: number, meaning: string) {
  const allowed = `0 or an integer from ${minimum} to ${maximum}`;
  return v.optional(
    v.pipe(
      v.number(allowed),
      v.integer(allowed),
      v.check((value) => value === 0 || (value >= minimum && value <= maximum), allowed),
      v.title(allowed),
      v.description(meaning),
    ),
    defaultValue,
  );
}

export function fraction(defaultValue: number, meaning: string) {
  const allowed = "a number from 0 to 1";
  return v.optional(
    v.pipe(v.number(allowed), v.minValue(0, allowed), v.maxValue(1, allowed), v.title(allowed), v.description(meaning)),
    defaultValue,
  );
}

export function text(defaultValue: string, meaning: string) {
  const allowed = "text that is not empty";
  return v.optional(
    v.pipe(v.string(allowed), v.nonEmpty(allowed), v.title(allowed), v.description(meaning)),
    defaultValue,
  );
}

export function flag(defaultValue: boolean, meaning: string) {
  const allowed = "true or false";
  return v.optional(v.pipe(v.boolean(allowed), v.title(allowed), v.description(meaning)), defaultValue);
}

export function oneOf<const Choice extends string>(
  choices: readonly Choice[],
  defaultValue: NoInfer<Choice>,
  meaning: string,
) {
  const allowed = `one of ${choices.join(", ")}`;
  return v.optional(v.pipe(v.picklist(choices, allowed), v.title(allowed), v.description(meaning)), defaultValue);
}

/** A TCP port, or {@link NOTHING}. */
export function optionalPort(defaultValue: typeof NOTHING | number, meaning: string) {
  const allowed = `${NOTHING} or an integer from 0 to 65535`;
  const port = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535));
  return v.optional(
    v.pipe(v.union([v.literal(NOTHING), port], allowed), v.title(allowed), v.description(meaning)),
    defaultValue,
  );
}

/** Some of the choices, at least one. */
export function someOf<const Choice extends string>(
  choices: readonly Choice[],
  defaultValue: readonly Choice[],
  meaning: string,
) {
  const allowed = `a list of ${choices.join(", ")}`;
  return v.optional(
    v.pipe(
      v.array(v.picklist(choices, allowed), allowed),
      v.nonEmpty(allowed),
      v.title(allowed),
      v.description(meaning),
    ),
    defaultValue as Choice[],
  );
}

/** Any number of texts, each of which `isOne` lets pass. */
export function textList(
  what: string,
  isOne: (text: string) => boolean,
  defaultValue: readonly string[],
  meaning: string,
) {
  const allowed = `${NOTHING} or a list of ${what}`;
  return v.optional(
    v.pipe(
      v.array(v.pipe(v.string(allowed), v.check(isOne, allowed)), allowed),
      v.title(allowed),
      v.description(meaning),
    ),
    [...defaultValue],
  );
}

/** Any number of mappings with these keys. */
export function mappingList<const Entries extends v.ObjectEntries>(what: string, entries: Entries, meaning: string) {
  const keys = Object.keys(entries).join(", ");
  const allowed = `${NOTHING} or a list of ${what}, each with some of the keys ${keys}`;
  return v.optional(
    v.pipe(v.array(v.strictObject(entries, allowed), allowed), v.title(allowed), v.description(meaning)),
    [],
  );
}
