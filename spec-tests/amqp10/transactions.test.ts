import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Connection, Sender, Typed } from "rhea";
import rhea from "rhea";
import { encodeValue } from "../../src/amqp10/codec/types.ts";
import { event, openReceiver, openSender, receive, startAmqp10Broker } from "./test-client.ts";

interface RheaTypes {
  described(descriptor: Typed, value: Typed): Typed;
  wrap_ulong(value: number): Typed;
  wrap_list(values: readonly unknown[]): Typed;
  wrap_binary(octets: Buffer): Typed;
  wrap_boolean(value: boolean): Typed;
}

const types = rhea.types as unknown as RheaTypes;
const composite = (code: number, ...fields: unknown[]): Typed =>
  types.described(types.wrap_ulong(code), types.wrap_list(fields));
const AMQP_VALUE = Buffer.of(0x00, 0x53, 0x77);
const ACCEPTED = (): Typed => composite(0x24);

/** A coordinator link. rhea knows no coordinator: the target is encoded by hand. */
class Controller {
  readonly #sender: Sender;

  private constructor(sender: Sender) {
    this.#sender = sender;
  }

  static async open(client: Connection): Promise<Controller> {
    const sender = client.open_sender({ target: {} });
    (sender as unknown as { local: { attach: { target: Typed } } }).local.attach.target = composite(0x30);
    await event(sender, "sendable");
    return new Controller(sender);
  }

  async declare(): Promise<Buffer> {
    const state = await this.#request(composite(0x31));
    assert.equal(Number(state.descriptor.value), 0x33);
    return state.value[0]?.value as Buffer;
  }

  /** Returns the descriptor of the outcome. */
  async discharge(transactionId: Buffer, fail: boolean): Promise<string> {
    const state = await this.#request(composite(0x32, types.wrap_binary(transactionId), types.wrap_boolean(fail)));
    const { descriptor } = state.constructor as unknown as { descriptor?: { numeric: number } };
    return Number(descriptor?.numeric ?? state.descriptor?.value).toString(16);
  }

  async #request(body: Typed): Promise<{ descriptor: { value: number }; value: { value: unknown }[] }> {
    // rhea would write the descriptor of the section over that of its value.
    const octets = Buffer.concat([AMQP_VALUE, encodeValue(body as never)]);
    const send = this.#sender.send.bind(this.#sender) as unknown as (
      octets: Buffer,
      tag: undefined,
      format: 0,
    ) => object;
    const delivery = send(octets, undefined, 0) as { remote_state?: unknown };
    await decided(delivery);
    return delivery.remote_state as never;
  }

  close(): void {
    this.#sender.close();
  }
}

/** Waits until the broker has answered for a delivery. */
async function decided(delivery: { remote_state?: unknown }): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (delivery.remote_state === undefined) {
    assert(Date.now() < deadline, "no outcome in time");
    await new Promise(setImmediate);
  }
}

async function setUp(t: TestContext) {
  const broker = startAmqp10Broker(t);
  const channel = await (await broker.client091()).openChannel();
  await channel.call("queue.declare", { queue: "q" });
  const client = await broker.client();
  const controller = await Controller.open(client);
  const sender = await openSender(client, "/queues/q");
  const ready = async (): Promise<number> =>
    (await channel.call("queue.declare", { queue: "q", passive: true })).messageCount;
  return { broker, channel, client, controller, sender, ready };
}

/** Sends a message as part of a transaction. rhea has no field for it: the state is put into the transfer. */
async function sendIn(sender: Sender, transactionId: Buffer, body: string): Promise<void> {
  const session = (sender as unknown as { session: { output(frame: object, payload?: Buffer): void } }).session;
  const write = session.output.bind(session);
  session.output = (frame, payload) => {
    if (payload !== undefined)
      (frame as { value: unknown[] }).value[7] = composite(0x34, types.wrap_binary(transactionId));
    write(frame, payload);
  };
  const delivery = sender.send({ body }) as { remote_state?: unknown };
  await decided(delivery);
  session.output = write;
}

test("[transaction] what is published is there when it is discharged, and not before", async (t) => {
  const { controller, sender, ready } = await setUp(t);
  const id = await controller.declare();
  await sendIn(sender, id, "1");
  await sendIn(sender, id, "2");
  assert.equal(await ready(), 0);
  assert.equal(await controller.discharge(id, false), "24");
  assert.equal(await ready(), 2);
});

test("[transaction] what fails, or is not discharged, leaves nothing", async (t) => {
  const { controller, sender, ready } = await setUp(t);
  const failed = await controller.declare();
  await sendIn(sender, failed, "1");
  assert.equal(await controller.discharge(failed, true), "24");
  const open = await controller.declare();
  await sendIn(sender, open, "2");
  controller.close();
  assert.equal(await ready(), 0);
});

test("[transaction] an unknown transaction cannot be discharged", async (t) => {
  const { controller } = await setUp(t);
  assert.equal(await controller.discharge(Buffer.from("none"), false), "25");
});

test("[transaction] acknowledgements wait for the discharge; after a failure the message comes again", async (t) => {
  const { client, channel, controller, ready } = await setUp(t);
  await channel.confirmSelect();
  await channel.publishConfirmed({ routingKey: "q" }, Buffer.from("1"));
  const receiver = await openReceiver(client, "/queues/q");
  // rhea writes what is sent before what is settled: the disposition has to go out before the discharge is sent.
  const acknowledgeIn = async ({ delivery }: Awaited<ReturnType<typeof receive>>, id: Buffer): Promise<void> => {
    delivery?.update(true, composite(0x34, types.wrap_binary(id), ACCEPTED()) as never);
    await new Promise(setImmediate);
  };

  const failing = await controller.declare();
  await acknowledgeIn(await receive(receiver), failing);
  assert.equal(await controller.discharge(failing, true), "24");

  const succeeding = await controller.declare();
  const again = await receive(receiver);
  assert.equal(again.message?.first_acquirer, false);
  await acknowledgeIn(again, succeeding);
  receiver.close();
  await event(receiver, "receiver_close");
  assert.equal(await ready(), 0, "the link is gone, its acknowledgement is held");
  assert.equal(await controller.discharge(succeeding, false), "24");
  assert.equal(await ready(), 0);
});

test("[transaction] a connection that goes rolls back", async (t) => {
  const { client, controller, sender, ready, broker } = await setUp(t);
  await sendIn(sender, await controller.declare(), "1");
  client.close();
  await event(client, "connection_close");
  while (broker.broker.usage.userConnectionCount("guest") > 1) await new Promise(setImmediate);
  assert.equal(await ready(), 0);
});
