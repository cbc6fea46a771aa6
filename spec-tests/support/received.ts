import assert from "node:assert/strict";
import { CONTENT_HEADER_BYTES, FRAME_BODY, FRAME_HEADER, FRAME_METHOD } from "../../src/wire/frame.ts";
import { decodeArguments } from "../../src/wire/method-codec.ts";
import { type MethodArguments, type MethodName, type MethodSpec, methodById } from "../../src/wire/methods.ts";
import { decodeProperties, type Properties } from "../../src/wire/properties.ts";
import type { Frame } from "./raw-frames.ts";

/** A method that has arrived, with its content when it carries one. */
export interface Received {
  readonly channel: number;
  readonly name: MethodName;
  readonly args: MethodArguments<MethodName>;
  readonly properties?: Properties;
  readonly body?: Buffer;
}

interface Incomplete {
  readonly spec: MethodSpec;
  readonly args: MethodArguments<MethodName>;
  properties?: Properties;
  bodyBytes: number;
  readonly bodies: Buffer[];
}

/** Puts methods and their contents together again, channel by channel, and asserts that frames come in a legal order. */
export class ReceivedParser {
  readonly #incomplete = new Map<number, Incomplete>();

  /** Takes a method, header or body frame; returns what it completes. */
  push(frame: Frame): Received | undefined {
    if (frame.type === FRAME_METHOD) return this.#onMethod(frame);
    const incomplete = this.#incomplete.get(frame.channel);
    assert.ok(incomplete !== undefined, `the broker sent a frame of type ${frame.type} without a method before it`);
    if (incomplete.properties === undefined) {
      assert.equal(frame.type, FRAME_HEADER, "the broker must send a content header behind a method with content");
      assert.equal(frame.payload.readUInt16BE(0), incomplete.spec.classId, "class id of the content header");
      assert.equal(frame.payload.readUInt16BE(2), 0, "weight of the content header");
      incomplete.bodyBytes = Number(frame.payload.readBigUInt64BE(4));
      incomplete.properties = decodeProperties(frame.payload, CONTENT_HEADER_BYTES, frame.payload.length);
    } else {
      assert.equal(frame.type, FRAME_BODY, "the broker must send a content uninterrupted on its channel");
      incomplete.bodies.push(frame.payload);
    }
    return this.#complete(frame.channel, incomplete, incomplete.properties);
  }

  #onMethod(frame: Frame): Received | undefined {
    assert.ok(!this.#incomplete.has(frame.channel), "the broker sent a method in the middle of a content");
    const spec = methodById(frame.payload.readUInt16BE(0), frame.payload.readUInt16BE(2));
    assert.ok(spec !== undefined, `the broker sent an unknown method ${frame.payload.toString("hex", 0, 4)}`);
    const args = decodeArguments(spec, frame.payload, 4, frame.payload.length);
    if (!spec.hasContent) return { channel: frame.channel, name: spec.name, args };
    this.#incomplete.set(frame.channel, { spec, args, bodyBytes: 0, bodies: [] });
    return undefined;
  }

  #complete(channel: number, incomplete: Incomplete, properties: Properties): Received | undefined {
    const receivedBytes = incomplete.bodies.reduce((sum, body) => sum + body.length, 0);
    assert.ok(receivedBytes <= incomplete.bodyBytes, "the broker sent a longer body than it had declared");
    if (receivedBytes < incomplete.bodyBytes) return undefined;
    this.#incomplete.delete(channel);
    return {
      channel,
      name: incomplete.spec.name,
      args: incomplete.args,
      properties,
      body: Buffer.concat(incomplete.bodies),
    };
  }
}
