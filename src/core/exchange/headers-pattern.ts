import { octetsPrinted } from "../../wire/erlang-text.ts";
import { type FieldTable, type FieldValue, fieldValuesEqual } from "../../wire/field-table.ts";
import { octetsFromString } from "../../wire/octet-string.ts";
import { BrokerError } from "../errors.ts";

const X_MATCH = "x-match";
/** In the plain modes a binding argument with this prefix describes no header. */
const EXTENSION_PREFIX = "x-";

/** The values of x-match; the default is "all". */
type MatchMode = "all" | "any" | "all-with-x" | "any-with-x";

/**
 * What the arguments of a binding ask of a message's headers: all of them or any of them to be equal, or, where the
 * binding has a void value, to be present. Without any, "all" matches everything and "any" nothing.
 */
export class HeadersPattern {
  readonly #matchesAny: boolean;
  readonly #wanted: readonly (readonly [name: string, value: FieldValue])[];

  private constructor(mode: MatchMode, bindingArguments: FieldTable) {
    this.#matchesAny = mode === "any" || mode === "any-with-x";
    const withExtensions = mode === "all-with-x" || mode === "any-with-x";
    this.#wanted = [...bindingArguments].filter(
      ([name]) => name !== X_MATCH && (withExtensions || !name.startsWith(EXTENSION_PREFIX)),
    );
  }

  /** @throws BrokerError PRECONDITION_FAILED for an x-match that is not one of the four (texts as RabbitMQ 4.3) */
  static parse(bindingArguments: FieldTable): HeadersPattern {
    return new HeadersPattern(matchModeOf(bindingArguments.get(X_MATCH)), bindingArguments);
  }

  /** @param headers the message's headers; undefined when it has none */
  matches(headers: FieldTable | undefined): boolean {
    for (const [name, value] of this.#wanted) {
      const header = headers?.get(name);
      const isEqual = header !== undefined && (value.type === "void" || fieldValuesEqual(value, header));
      if (isEqual === this.#matchesAny) return this.#matchesAny;
    }
    return !this.#matchesAny;
  }
}

function matchModeOf(argument: FieldValue | undefined): MatchMode {
  if (argument === undefined) return "all";
  if (argument.type !== "longstr") {
    throw new BrokerError(
      "PRECONDITION_FAILED",
      `Invalid x-match field type ${argument.type} (value ${valueText(argument)}); expected longstr`,
    );
  }
  const mode = argument.value;
  if (mode === "all" || mode === "any" || mode === "all-with-x" || mode === "any-with-x") return mode;
  const octets = octetsFromString(mode);
  throw new BrokerError(
    "PRECONDITION_FAILED",
    `Invalid x-match field value ${octetsPrinted(octets, 0, octets.length)}; expected all, any, all-with-x, or any-with-x`,
  );
}

/** The value as RabbitMQ prints it; of values with parts the type has to do. */
function valueText({ type, value }: FieldValue): string {
  if (value === null) return "undefined";
  return typeof value === "object" ? type : String(value);
}
