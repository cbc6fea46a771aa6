import assert from "node:assert/strict";
import { once } from "node:events";
import type { TestContext } from "node:test";
import type { Connection, ConnectionOptions, EventContext, Receiver, Sender } from "rhea";
import rhea from "rhea";

const TIMEOUT_MILLISECONDS = 10_000;

/** A connection of rhea's to the broker at `url`; closed after the test. */
export async function openConnection(t: TestContext, url: string): Promise<Connection> {
  const { hostname, port, username, password } = new URL(url);
  const container = rhea.create_container({ id: `conformance-${Math.random()}` });
  const options = {
    host: hostname,
    port: Number(port === "" ? 5672 : port),
    username: username === "" ? "guest" : username,
    password: password === "" ? "guest" : password,
    reconnect: false,
  };
  const connection = container.create_connection(options as ConnectionOptions);
  connection.on("disconnected", () => {});
  connection.connect();
  await event(connection, "connection_open");
  t.after(() => connection.close());
  return connection;
}

/** The context of the next event of that name; rejects when none comes in time. */
export async function event(emitter: Connection | Sender | Receiver, name: string): Promise<EventContext> {
  const [context] = await once(emitter, name, { signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS) });
  return context as EventContext;
}

/** A request to the management node, and what it answers with. */
export interface Answer {
  readonly status: string;
  readonly body: unknown;
}

/** Talks to the management node the way RabbitMQ 4's clients do: HTTP over a pair of links. */
export class Management {
  readonly #sender: Sender;
  readonly #receiver: Receiver;
  #lastId = 0;

  private constructor(sender: Sender, receiver: Receiver) {
    this.#sender = sender;
    this.#receiver = receiver;
  }

  static async open(connection: Connection): Promise<Management> {
    const node = { address: "/management", expiry_policy: "link-detach", durable: 0, dynamic: false };
    const properties = { paired: true };
    // rhea tells links apart by name alone, and the two links of a pair have the same: a session for each.
    const session = connection.create_session();
    session.open();
    const sender = session.open_sender({
      name: "management-link-pair",
      target: node,
      source: node,
      properties,
      snd_settle_mode: 1,
    } as never);
    rename(session);
    const receiver = session.open_receiver({
      name: "management-link-pair",
      source: node,
      target: node,
      properties,
      credit_window: 100,
      autoaccept: true,
    } as never);
    await Promise.all([event(sender, "sendable"), event(receiver, "receiver_open")]);
    return new Management(sender, receiver);
  }

  async request(method: string, to: string, body: unknown = null): Promise<Answer> {
    const id = String(++this.#lastId);
    this.#sender.send({ message_id: id, subject: method, to, reply_to: "$me", body } as never);
    const { message } = await event(this.#receiver, "message");
    assert.equal(message?.correlation_id, id);
    return { status: message?.subject ?? "", body: message?.body };
  }
}

/** Lets a session of rhea's have a second link of the name that its first one has. */
function rename(session: unknown): void {
  const { links } = session as { links: Record<string, { on_attach(frame: Frame): void }> };
  const first = links["management-link-pair"] as { on_attach(frame: Frame): void };
  delete links["management-link-pair"];
  links["first"] = first;
  const self = session as { on_attach(frame: Frame): void; remote: { handles: Record<number, unknown> } };
  const attach = self.on_attach.bind(session);
  self.on_attach = (frame) => {
    // The answer of a receiver is for our sender, which was first.
    if (frame.performative.role !== true || frame.performative.name !== "management-link-pair") {
      attach(frame);
      return;
    }
    self.remote.handles[frame.performative.handle] = first;
    first.on_attach(frame);
  };
}

interface Frame {
  readonly performative: { readonly role: boolean; readonly name: string; readonly handle: number };
}
