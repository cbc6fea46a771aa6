import { once } from "node:events";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import type { TestContext } from "node:test";
import type { Connection, ConnectionOptions, Container, EventContext, Receiver, ReceiverOptions, Sender } from "rhea";
import rhea from "rhea";
import { serveAmqp10 } from "../../src/amqp10/connection.ts";
import { Client } from "../../src/client/client.ts";
import { duplexPair } from "../../src/lib/duplex-pair.ts";
import type { PeerInfo } from "../../src/lib/peer-info.ts";
import { LOCAL_PEER, startTestBroker, type TestBroker, type TestBrokerOptions } from "../support/test-broker.ts";

const TIMEOUT_MILLISECONDS = 5_000;

/** A broker that speaks AMQP 1.0 and 0-9-1 on streams in memory. */
export interface Amqp10Broker extends TestBroker {
  /** The client's end of a stream on which AMQP 1.0 is spoken. */
  stream(peer?: Partial<PeerInfo>): Duplex;
  /** A client of rhea's, connected. */
  client(options?: object, peer?: Partial<PeerInfo>): Promise<Connection>;
  /** The error with which the broker closes what has just been opened. */
  refusal(options: object): Promise<Error>;
  /** A client of AMQP 0-9-1, connected. */
  client091(): Promise<Client>;
}

/** Starts a broker that ends with the test. */
export function startAmqp10Broker(t: TestContext, options: TestBrokerOptions = {}): Amqp10Broker {
  const test = startTestBroker(options);
  const ends = new Set<Duplex>();
  const connections: Connection[] = [];
  t.after(async () => {
    for (const connection of connections) connection.close();
    for (const end of ends) end.destroy();
    await test.close();
  });
  const stream = (peer: Partial<PeerInfo> = {}): Duplex => {
    const [client, server] = duplexPair();
    ends.add(client).add(server);
    serveAmqp10(test.broker, server, { ...LOCAL_PEER, ...peer });
    return client;
  };
  return {
    ...test,
    stream,
    client: async (connectionOptions = {}, peer = {}) => {
      const connection = rheaConnection(() => stream(peer), connectionOptions);
      connections.push(connection);
      await event(connection, "connection_open");
      return connection;
    },
    refusal: async (connectionOptions) => {
      const connection = rheaConnection(() => stream(), connectionOptions);
      connections.push(connection);
      return errorOf(await event(connection, "connection_error", []), connection) as Error;
    },
    client091: () => Client.connect(test.connect()),
  };
}

/** Connects a client of rhea's to a port. */
export async function connectTo(port: number, options: object = {}): Promise<Connection> {
  const connection = rheaConnection(() => connect(port, "127.0.0.1"), options);
  await event(connection, "connection_open");
  return connection;
}

function rheaConnection(open: () => Duplex, options: object): Connection {
  const container: Container = rhea.create_container({ id: "test" });
  const connection = container.create_connection({
    username: "guest",
    password: "guest",
    reconnect: false,
    ...options,
    connection_details: () => ({
      connect: (_port: number, _host: string, _options: unknown, connected: () => void) => {
        const stream = open();
        setImmediate(connected);
        return stream;
      },
    }),
  } as unknown as ConnectionOptions);
  for (const name of ["disconnected", "error", "protocol_error"]) connection.on(name, () => {});
  connection.connect();
  return connection;
}

/** The context of the next event of that name; rejects when none comes in time, or one of `failures` comes first. */
export async function event(
  emitter: Connection | Sender | Receiver,
  name: string,
  failures: readonly string[] = ["connection_error", "sender_error", "receiver_error", "session_error"],
): Promise<EventContext> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(new Error(`no ${name} in time`)), TIMEOUT_MILLISECONDS);
  const fail = (context: EventContext): void => abort.abort(errorOf(context, emitter) ?? new Error("failed"));
  const watched = failures.filter((failure) => failure !== name);
  for (const failure of watched) emitter.on(failure, fail);
  try {
    const [context] = await once(emitter, name, { signal: abort.signal });
    return context as EventContext;
  } catch (error) {
    throw abort.signal.reason ?? error;
  } finally {
    clearTimeout(timer);
    for (const failure of watched) emitter.removeListener(failure, fail);
  }
}

function errorOf(context: EventContext, emitter: { error?: unknown }): Error | undefined {
  const error = (context.error ?? context.sender?.error ?? context.receiver?.error ?? emitter.error) as
    | { condition?: string; description?: string }
    | undefined;
  return error === undefined ? undefined : new Error(`${error.condition} ${error.description}`);
}

/** Opens a sender that may send. */
export async function openSender(connection: Connection, target: unknown, options: object = {}): Promise<Sender> {
  const sender = connection.open_sender({ target, ...options } as never);
  await event(sender, "sendable");
  return sender;
}

/** Opens a receiver without credit. */
export async function openReceiver(
  connection: Connection,
  source: unknown,
  options: Partial<ReceiverOptions> = {},
): Promise<Receiver> {
  const receiver = connection.open_receiver({
    source,
    credit_window: 0,
    autoaccept: false,
    autosettle: true,
    ...options,
  } as unknown as ReceiverOptions);
  await event(receiver, "receiver_open");
  return receiver;
}

/** Sends a message and returns the name of its outcome. */
export async function send(sender: Sender, message: object): Promise<{ outcome: string; context: EventContext }> {
  sender.send(message as never);
  return outcome(sender);
}

/** The outcome of the next delivery. */
export function outcome(sender: Sender): Promise<{ outcome: string; context: EventContext }> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("no outcome in time")), TIMEOUT_MILLISECONDS);
    for (const name of ["accepted", "released", "rejected"]) {
      sender.once(name, (context: EventContext) => {
        clearTimeout(timer);
        resolve({ outcome: name, context });
      });
    }
  });
}

/** Gives credit for a message and waits for it. */
export function receive(receiver: Receiver): Promise<EventContext> {
  const message = event(receiver, "message");
  receiver.add_credit(1);
  return message;
}
