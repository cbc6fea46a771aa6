/** The maps in requests, and in answers. Keys as RabbitMQ 4's AMQP 1.0 clients write and read them. */

import type { Binding } from "../../core/exchange/exchange.ts";
import { isExchange } from "../../core/exchange/target.ts";
import type { Queue } from "../../core/queue/queue.ts";
import { EMPTY_TABLE, type FieldTable } from "../../wire/field-table.ts";
import { entriesOf, textOf, typeName } from "../codec/type-names.ts";
import { bool, list, string, stringMap, strings, type Typed, uint, ulong } from "../codec/types.ts";
import { tableOf, valueFrom } from "../conversion/field-values.ts";
import { bindingLocation } from "./binding-location.ts";
import { ManagementError } from "./management-error.ts";

/** The only node there is. */
const NODE = "leveret";

/** What the entries of a request's map may be. */
type Kind = "boolean" | "string" | "map";

/** A request's map, checked against what may be in it. */
export class BodyReader {
  readonly #values = new Map<string, Typed>();

  /**
   * @param what of which the entries are properties, for error texts
   * @throws ManagementError 400 for anything else
   */
  constructor(what: string, body: Typed | undefined, kinds: Readonly<Record<string, Kind>>) {
    const entries = entriesOf(body);
    if (entries === undefined) throw new ManagementError(400, `the body must be a map of ${what} properties`);
    for (const [key, value] of entries) {
      const name = textOf(key) ?? "";
      if (kinds[name] === undefined || typeName(value) !== kinds[name]) {
        throw new ManagementError(400, `bad ${what} property ${name === "" ? String(key.value) : name}`);
      }
      this.#values.set(name, value);
    }
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  flag(name: string, otherwise: boolean): boolean {
    const value = this.#values.get(name);
    return value === undefined ? otherwise : Boolean(value.value);
  }

  /** @throws ManagementError 400 when it is absent and there is no `otherwise` */
  text(name: string, otherwise?: string): string {
    const text = textOf(this.#values.get(name)) ?? otherwise;
    if (text === undefined) throw new ManagementError(400, `missing property ${name}`);
    return text;
  }

  table(name: string): FieldTable {
    const value = this.#values.get(name);
    return value === undefined ? EMPTY_TABLE : tableOf(value);
  }
}

export function queueBody(queue: Queue): Typed {
  return stringMap([
    ["leader", string(NODE)],
    ["message_count", ulong(queue.readyCount)],
    ["consumer_count", uint(queue.consumerCount)],
    ["name", string(queue.name)],
    ["vhost", string(queue.vhostName)],
    ["durable", bool(queue.durable)],
    ["auto_delete", bool(queue.autoDelete)],
    ["exclusive", bool(queue.exclusiveOwner !== undefined)],
    ["type", string(queue.type)],
    ["arguments", argumentsBody(queue.arguments)],
    ["replicas", strings([NODE])],
  ]);
}

export function messageCountBody(count: number): Typed {
  return stringMap([["message_count", ulong(count)]]);
}

export function bindingsBody(bindings: readonly Binding[]): Typed {
  return list(
    bindings.map((binding) => {
      const kind = isExchange(binding.target) ? "exchange" : "queue";
      return stringMap([
        ["source", string(binding.source.name)],
        [`destination_${kind}`, string(binding.target.name)],
        ["binding_key", string(binding.routingKey)],
        ["arguments", argumentsBody(binding.arguments)],
        ["location", string(bindingLocation(binding))],
      ]);
    }),
  );
}

function argumentsBody(table: FieldTable): Typed {
  return stringMap([...table].map(([key, value]) => [key, valueFrom(value)]));
}
