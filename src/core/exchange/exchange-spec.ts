import type { FieldTable } from "../../wire/field-table.ts";

/** What exchange.declare asks for. */
export interface ExchangeSpec {
  /** The virtual host's name; used in error texts only. */
  readonly vhost: string;
  readonly name: string;
  /** E.g. "topic". */
  readonly type: string;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly internal: boolean;
  readonly arguments: FieldTable;
  /** What the store knows it by, if it was stored with such an id. */
  readonly id?: number;
}
