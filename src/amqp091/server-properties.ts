import type { BrokerIdentity } from "../core/broker.ts";
import { type FieldTable, tableFrom } from "../wire/field-table.ts";

/** What the server can do, as RabbitMQ announces it. */
const CAPABILITIES = {
  publisher_confirms: true,
  exchange_exchange_bindings: true,
  "basic.nack": true,
  consumer_cancel_notify: true,
  "connection.blocked": true,
  consumer_priorities: true,
  authentication_failure_close: true,
  per_consumer_qos: true,
  direct_reply_to: true,
};

/** The server-properties of connection.start. */
export function serverProperties({ product, version }: BrokerIdentity): FieldTable {
  return tableFrom({
    capabilities: CAPABILITIES,
    cluster_name: "leveret",
    copyright: "The Leveret authors",
    information: "Licensed under the MIT License",
    platform: `Node.js ${process.versions.node}`,
    product,
    version,
  });
}
