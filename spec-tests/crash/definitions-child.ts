/**
 * Gives policies, limits, users and permissions the same number, all in one turn of a broker's event loop, counting up
 * from where the data directory is, and prints each number when the broker says that it is durable. Runs until it is killed.
 */

import { writeSync } from "node:fs";
import { numberDefinitions, openBroker, readDefinitions } from "./numbered-definitions.ts";

const broker = openBroker(process.argv[2] as string);
setFrom((readDefinitions(broker)[0] ?? 0) + 1);

function setFrom(number: number): void {
  numberDefinitions(broker, number);
  broker.barrier.whenDefinitionsDurable(() => {
    writeSync(1, `${number}\n`);
    setImmediate(setFrom, number + 1);
  });
}
