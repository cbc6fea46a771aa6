import type { FieldTable } from "../../wire/field-table.ts";
import type { QueueType } from "../queue-type.ts";
import type { QueueOptions } from "./queue.ts";
import type { QueueSettings } from "./queue-settings.ts";

/** What every type of queue keeps of what it is made with, and whom it tells of its end. */
export abstract class QueueBase {
  readonly id: number;
  readonly name: string;
  readonly vhostName: string;
  readonly type: QueueType;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly exclusiveOwner: object | undefined;
  readonly arguments: FieldTable;
  settings: QueueSettings;
  onUnused: (() => void) | undefined;
  onExpired: (() => void) | undefined;
  onDropped: (() => void) | undefined;

  constructor(options: QueueOptions) {
    this.id = options.id;
    this.name = options.name;
    this.vhostName = options.vhostName;
    this.type = options.type;
    this.durable = options.durable;
    this.autoDelete = options.autoDelete;
    this.exclusiveOwner = options.exclusiveOwner;
    this.arguments = options.arguments;
    this.settings = options.settings;
  }
}
