import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { METHODS, methodById } from "../../src/wire/methods.ts";

describe("method table", () => {
  it("has the 66 methods of AMQP 0-9-1 with RabbitMQ's extensions", () => {
    assert.equal(Object.keys(METHODS).length, 66);
  });

  it("every method is found by its ids", () => {
    for (const spec of Object.values(METHODS)) assert.equal(methodById(spec.classId, spec.methodId), spec);
  });

  it("ids that belong to no method find none", () => {
    assert.equal(methodById(60, 81), undefined);
    assert.equal(methodById(61, 80), undefined);
    assert.equal(methodById(0, 0), undefined);
    assert.equal(methodById(0xffff, 0xffff), undefined);
  });

  it("the ids that do not follow the pattern are right", () => {
    assert.equal(METHODS["exchange.unbind-ok"].methodId, 51);
    assert.equal(METHODS["queue.unbind"].methodId, 50);
    assert.equal(METHODS["basic.nack"].methodId, 120);
    assert.equal(METHODS["basic.recover-async"].methodId, 100);
    assert.equal(METHODS["confirm.select"].classId, 85);
  });

  it("only publish, return, deliver and get-ok carry content", () => {
    const carriers = Object.values(METHODS).filter(({ hasContent }) => hasContent);
    assert.deepEqual(
      carriers.map(({ name }) => name),
      ["basic.publish", "basic.return", "basic.deliver", "basic.get-ok"],
    );
  });

  it("an -ok is sent by the other peer", () => {
    const answeredBy = { client: "server", server: "client", both: "both" } as const;
    for (const spec of Object.values(METHODS)) {
      const ok = methodById(spec.classId, spec.methodId + 1);
      if (ok?.name === `${spec.name}-ok`) assert.equal(ok.sender, answeredBy[spec.sender], spec.name);
    }
  });
});
