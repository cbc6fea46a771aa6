import { type ConnectionOptions, PerfConnection } from "./connection.ts";
import type { LatencyHistogram } from "./latency-histogram.ts";
import { Requester } from "./requester.ts";
import { Responder } from "./responder.ts";
import type { RpcOptions } from "./rpc-options.ts";
import { declareQueue, queueNames, shareOf } from "./topology.ts";

/** The pseudo queue that a client consumes from, and names as reply-to, for direct reply-to. Source: RabbitMQ docs. */
const DIRECT_REPLY_QUEUE = "amq.rabbitmq.reply-to";

/** What all clients of a run share. */
export interface RpcContext {
  readonly options: RpcOptions;
  readonly connecting: ConnectionOptions;
  readonly roundTrip: LatencyHistogram;
  readonly onReply: (requester: Requester) => void;
}

/** Connects responder number `index`, declares its queues and answers from now on. Rejects with a {@link PerfError}. */
export async function openResponder({ options, connecting }: RpcContext, index: number): Promise<Responder> {
  const { responders, prefetch, size, ack } = options;
  const connection = await PerfConnection.open(connecting);
  if (prefetch > 0) await connection.call("basic.qos", { prefetchCount: prefetch });
  const responder = new Responder(connection, size, ack);
  connection.carry(responder);
  for (const name of shareOf(queueNames(options), index, responders)) {
    const queue = await declareQueue(connection, options, name);
    await connection.call("basic.consume", { queue, noAck: ack === 0 });
  }
  return responder;
}

/** Connects client number `index` and consumes its replies. Rejects with a {@link PerfError}. */
export async function openRequester(context: RpcContext, index: number): Promise<Requester> {
  const { options, connecting, roundTrip, onReply } = context;
  const { exchange, routingKey, size: bodyBytes, persistent, responders } = options;
  const connection = await PerfConnection.open(connecting);
  const names = queueNames(options);
  const queue = names[index % names.length] as string;
  if (responders === 0) await declareQueue(connection, options, queue);
  const replyTo = options.replyQueues ? await declareReplyQueue(connection) : DIRECT_REPLY_QUEUE;
  await connection.call("basic.consume", { queue: replyTo, noAck: true });
  const shape = { exchange, routingKey: routingKey ?? queue, replyTo, bodyBytes, persistent };
  const requester = new Requester({ connection, roundTrip, onReply, ...shape });
  connection.carry(requester);
  return requester;
}

async function declareReplyQueue(connection: PerfConnection): Promise<string> {
  return (await connection.call("queue.declare", { exclusive: true })).queue;
}
