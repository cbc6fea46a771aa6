import assert from "node:assert/strict";
import { BrokerError } from "../../src/core/errors.ts";
import { type LiveSession, viewOfMessage } from "./live-session.ts";
import type { ModelBroker } from "./model-broker.ts";
import * as commands from "./model-commands.ts";
import { published } from "./model-message.ts";
import type { ModelSession } from "./model-session.ts";
import type { Operation, Publish } from "./operation.ts";

/** What a session does; opening and closing it is not part of it. */
export type SessionOperation = Exclude<Extract<Operation, { session: number }>, { do: "reopen" }>;

/** What came of it: a result, or the name of the reply that ends the session. */
export type Outcome = { readonly result: unknown } | { readonly refused: string };

/** The two sides of one session, and the model it belongs to. */
export interface SessionPair {
  readonly live: LiveSession;
  readonly session: ModelSession;
  readonly model: ModelBroker;
  /** The body of the next message. */
  readonly body: (bytes: number) => string;
}

/** Does an operation to the broker and to the model; undefined when there is nothing that it could be done to. */
export function performInSession(pair: SessionPair, operation: SessionOperation): [Outcome, Outcome] | undefined {
  const both = thunks(pair, operation);
  return both === undefined ? undefined : [attempt(both[0]), attempt(both[1])];
}

function attempt(action: () => unknown): Outcome {
  try {
    return { result: action() };
  } catch (error) {
    if (error instanceof BrokerError) return { refused: error.replyName };
    if (error instanceof commands.Refusal) return { refused: error.message };
    throw error;
  }
}

type Both = [live: () => unknown, model: () => unknown];

function thunks(pair: SessionPair, operation: SessionOperation): Both | undefined {
  const { live, session, model } = pair;
  switch (operation.do) {
    case "publish":
      return publish(pair, operation.publish);
    case "commit":
      if (session.mode !== "transactions") return undefined;
      return [() => live.session.commitTransaction(() => {}), () => commands.commit(model, session)];
    case "rollback":
      if (session.mode !== "transactions") return undefined;
      return [() => live.session.rollbackTransaction(), () => commands.rollback(session)];
    case "recover":
      return [() => live.session.requeueAll(), () => commands.recover(session)];
    case "toggleWritable":
      return [() => live.toggleWritable(), () => session.toggleWritable()];
    case "consume":
      return consume(pair, operation);
    case "cancel":
      return [() => live.session.cancel(operation.tag), () => commands.cancel(model, session, operation.tag)];
    case "qos":
      return [
        () => live.session.setPrefetch(operation.count),
        () => {
          session.prefetch = operation.count;
        },
      ];
    case "get":
      return get(pair, operation.queue, operation.noAck);
    case "acknowledge":
      return acknowledge(pair, operation);
  }
}

function publish({ live, session, model, body }: SessionPair, asked: Publish): Both {
  const text = body(asked.bodyBytes);
  const sent = withoutAmbiguity(model, asked, text);
  const message = published(sent, text, model.now);
  return [() => live.publish(sent, text), () => commands.publish(model, session, message, sent.mandatory)];
}

/** Copies of a message in several places would be due, or expire, at the same time. */
function withoutAmbiguity(model: ModelBroker, publish: Publish, body: string): Publish {
  const { queues, waitsIn } = model.destinations(published(publish, body, model.now));
  const waitingCount = waitsIn.length + queues.filter(({ settings }) => settings.delays).length;
  const { expiration, delay, ...others } = publish;
  return {
    ...others,
    ...(expiration !== undefined && queues.length + 2 * waitsIn.length < 2 && { expiration }),
    ...(delay !== undefined && waitingCount < 2 && { delay }),
  };
}

type Consume = Extract<SessionOperation, { do: "consume" }>;

function consume({ live, session, model }: SessionPair, { queue: name, ...options }: Consume): Both | undefined {
  const queue = model.queues.get(name);
  if (queue === undefined || session.consumers.has(options.tag)) return undefined;
  return [() => live.consume(name, options), () => commands.consume(model, session, queue, options)];
}

function get({ live, session, model }: SessionPair, name: string, noAck: boolean): Both | undefined {
  const queue = model.queues.get(name);
  if (queue === undefined) return undefined;
  const getLive = (): commands.Got | undefined => {
    const got = live.session.get(name, noAck);
    if (got === undefined) return undefined;
    const { message, ...others } = got;
    return { ...others, view: viewOfMessage(message) };
  };
  return [getLive, () => commands.get(model, session, queue, noAck)];
}

type Acknowledge = Extract<SessionOperation, { do: "acknowledge" }>;

function acknowledge({ live, session }: SessionPair, { which, multiple, outcome }: Acknowledge): Both | undefined {
  const tags = [...session.deliveries.keys()].sort((a, b) => a - b);
  const tag = tags[which % tags.length];
  if (tag === undefined) return undefined;
  return [
    () => {
      live.session.acknowledge(tag, multiple, outcome);
      assert.throws(() => live.session.acknowledge(tag, false, outcome), /unknown delivery tag/);
    },
    () => commands.acknowledge(session, tag, multiple, outcome),
  ];
}
