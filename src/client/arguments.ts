import { EMPTY_TABLE } from "../wire/field-table.ts";
import type { ArgumentType } from "../wire/method-table.ts";
import { METHODS, type MethodArguments, type MethodName } from "../wire/methods.ts";

/** Some of the arguments of a method. */
export type SomeArguments<N extends MethodName> = {
  readonly [K in keyof MethodArguments<N>]?: MethodArguments<N>[K] | undefined;
};

/** Methods that are answered with `<name>-ok`. */
export type Request = { [N in MethodName]: `${N}-ok` extends MethodName ? N : never }[MethodName];

const EMPTY_VALUES: Readonly<Record<ArgumentType, unknown>> = {
  bit: false,
  octet: 0,
  short: 0,
  long: 0,
  longlong: 0,
  shortstr: "",
  longstr: Buffer.alloc(0),
  table: EMPTY_TABLE,
};

/** The arguments of a method; those left out are empty, zero or false. */
export function completeArguments<N extends MethodName>(name: N, args: SomeArguments<N>): MethodArguments<N> {
  const complete: Record<string, unknown> = {};
  const given = args as Readonly<Record<string, unknown>>;
  for (const argument of METHODS[name].arguments) {
    if (!argument.reserved) complete[argument.name] = given[argument.name] ?? EMPTY_VALUES[argument.type];
  }
  return complete as MethodArguments<N>;
}
