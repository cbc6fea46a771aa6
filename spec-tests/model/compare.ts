import assert from "node:assert/strict";
import type { LiveBroker } from "./live-broker.ts";
import type { ModelBroker } from "./model-broker.ts";

/**
 * Compares what can be seen of the two when the broker has come to rest.
 * @param isWritten whether every commit has come to an end, so that nothing is left unconfirmed
 */
export function compareState(live: LiveBroker, model: ModelBroker, isWritten: boolean): void {
  assert.deepEqual(queuesOf(live), queuesOfModel(model));
  assert.deepEqual(exchangesOf(live), exchangesOfModel(model));
  for (const { name, consumers, count } of queueParts(model)) {
    const left = count > 0 ? consumers.candidates().map(({ tag }) => tag) : [];
    assert.deepEqual(left, [], `consumers that could take messages which are ready in ${name}`);
  }
  for (const { number, confirms, doubtful } of model.sessions) {
    const told = live.sessions[number]?.confirms ?? [];
    const expected = confirms.map((isTaken, index) => {
      const isOpen = told[index] === undefined && !isWritten;
      const mayBeRefused = told[index] === false && doubtful.has(index);
      return isOpen || mayBeRefused ? told[index] : isTaken;
    });
    assert.deepEqual(
      Array.from(expected, (_, index) => told[index]),
      expected,
      `confirms of session ${number}`,
    );
  }
}

function queueParts(model: ModelBroker) {
  return Array.from(model.queues.values(), (queue) => {
    return { name: queue.name, consumers: queue.consumers, count: queue.count("ready") };
  });
}

function queuesOf(live: LiveBroker): unknown {
  const queues = Array.from(live.vhost.queues, (queue) => {
    const { name, readyCount: ready, readyBytes, unackedCount: unacked, delayedCount: delayed } = queue;
    return { name, ready, readyBytes, unacked, delayed, consumers: queue.consumerCount };
  });
  return byName(queues);
}

function queuesOfModel(model: ModelBroker): unknown {
  const queues = Array.from(model.queues.values(), (queue) => {
    const { name, readyBytes, consumers } = queue;
    const [ready, unacked] = [queue.count("ready"), queue.count("unacked")];
    const delayed = queue.count("held") + queue.delayed.length;
    return { name, ready, readyBytes, unacked, delayed, consumers: consumers.all.length };
  });
  return byName(queues);
}

function exchangesOf(live: LiveBroker): unknown {
  const declared = [...live.vhost.exchanges].filter(({ name }) => name !== "" && !name.startsWith("amq."));
  return byName(
    declared.map(({ name, bindingCount: bindings, delayedCount: delayed }) => ({ name, bindings, delayed })),
  );
}

function exchangesOfModel({ topology }: ModelBroker): unknown {
  const exchanges = Array.from(topology.exchanges.values(), ({ name, delayed }) => {
    const bindings = topology.bindings.filter(({ source }) => source === name).length;
    return { name, bindings, delayed: delayed.length };
  });
  return byName(exchanges);
}

function byName<Named extends { name: string }>(things: readonly Named[]): Named[] {
  return [...things].sort((a, b) => (a.name < b.name ? -1 : 1));
}
