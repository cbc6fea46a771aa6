import type { FieldTable } from "./field-value.ts";
import { type ArgumentType, METHOD_TABLE } from "./method-table.ts";

type MethodTable = typeof METHOD_TABLE;

/** "basic.publish", "queue.declare-ok", ... */
export type MethodName = keyof MethodTable;

/** What each wire type is in JavaScript. */
interface ArgumentValues {
  bit: boolean;
  octet: number;
  short: number;
  long: number;
  /** Below 2^53: only delivery tags are of this type. */
  longlong: number;
  /** Octets that are not UTF-8 appear as octet-string.ts says. */
  shortstr: string;
  longstr: Buffer;
  table: FieldTable;
}

type ArgumentsOf<A> = {
  readonly [K in Exclude<keyof A, `reserved${number}`>]: A[K] extends ArgumentType ? ArgumentValues[A[K]] : never;
};

/** The arguments of a method under their names in camel case, without the reserved ones. */
export type MethodArguments<N extends MethodName> = N extends MethodName
  ? ArgumentsOf<MethodTable[N]["arguments"]>
  : never;

export interface ArgumentSpec {
  readonly name: string;
  readonly type: ArgumentType;
  /** Written as zero or empty, ignored when read. */
  readonly reserved: boolean;
}

export interface MethodSpec<N extends MethodName = MethodName> {
  readonly name: N;
  readonly classId: number;
  readonly methodId: number;
  /** Which peer may send the method. */
  readonly sender: "client" | "server" | "both";
  /** True when a content header and body follow the method. */
  readonly hasContent: boolean;
  /** In wire order. */
  readonly arguments: readonly ArgumentSpec[];
}

function specify(name: MethodName): MethodSpec {
  const { classId, methodId, sender, arguments: argumentTypes } = METHOD_TABLE[name];
  return {
    name,
    classId,
    methodId,
    sender,
    hasContent: "hasContent" in METHOD_TABLE[name],
    arguments: Object.entries<ArgumentType>(argumentTypes).map(([argument, type]) => ({
      name: argument,
      type,
      reserved: argument.startsWith("reserved"),
    })),
  };
}

const SPECS: readonly MethodSpec[] = (Object.keys(METHOD_TABLE) as MethodName[]).map(specify);

/** Every method by name. */
export const METHODS = Object.fromEntries(SPECS.map((spec) => [spec.name, spec])) as {
  readonly [N in MethodName]: MethodSpec<N>;
};

const SPECS_BY_ID: ReadonlyMap<number, MethodSpec> = new Map(
  SPECS.map((spec) => [idOf(spec.classId, spec.methodId), spec]),
);

/** The method with these ids; undefined when there is none. */
export function methodById(classId: number, methodId: number): MethodSpec | undefined {
  return SPECS_BY_ID.get(idOf(classId, methodId));
}

function idOf(classId: number, methodId: number): number {
  return classId * 0x10000 + methodId;
}
