import { connect as connectTcp } from "node:net";
import type { Duplex } from "node:stream";
import { type TestContext, test } from "node:test";
import { setImmediate, setTimeout } from "node:timers/promises";
import type { Broker } from "../../src/core/broker.ts";
import type { QueueType } from "../../src/core/queue-type.ts";
import { ManualClock } from "../../src/lib/manual-clock.ts";
import type { PeerInfo } from "../../src/lib/peer-info.ts";
import { type Administration, HttpAdministration, InsideAdministration } from "./administration.ts";
import { expectStart, type HandshakeOptions, handshake } from "./handshake.ts";
import { RawClient } from "./raw-client.ts";
import { startTestBroker, type TestBrokerOptions } from "./test-broker.ts";

/**
 * The URL of a running broker to test instead of a fresh Leveret in memory, e.g. `amqp://127.0.0.1:5672`; it must
 * have the user guest with the password guest and the tag administrator. Run against RabbitMQ, it proves that the
 * tests say what RabbitMQ does.
 */
const externalUrl = process.env["LEVERET_TEST_URL"];

/** The HTTP API of that broker, with an administrator's name and password; without it, tests that administer are skipped. */
const administrationUrl = process.env["LEVERET_TEST_ADMINISTRATION_URL"];

/** RabbitMQ closes some connections only after 3 s. */
const EXTERNAL_WAIT_MILLISECONDS = 6_000;

/** Turns of the event loop in which a broker in this process has taken, committed and answered what it was sent. */
const TURNS_TO_SETTLE = 10;

/** What a method test asks of the broker. */
export interface MethodTestOptions {
  /** Why the test holds for Leveret only; it is skipped, with this reason, against any other broker. */
  readonly leveretOnly?: string;
  /** The first release of RabbitMQ that behaves so, e.g. "4.0"; the test is skipped against an older one. */
  readonly sinceRabbitmq?: string;
  /** The test sets up what no client can. */
  readonly administers?: boolean;
  /** Options of the broker under test; they imply `leveretOnly`. */
  readonly broker?: TestBrokerOptions;
}

type OpenStream = (peer?: Partial<PeerInfo>) => Promise<Duplex>;

/** The broker a test talks to, seen from outside. */
export class BrokerUnderTest {
  /** The clock of the broker; steps nothing when the broker is a foreign one. */
  readonly clock: ManualClock;
  readonly #openStream: OpenStream;
  readonly #inside: Broker | undefined;
  readonly #administration: Administration | undefined;
  readonly #streams: Duplex[] = [];
  readonly #undo: (() => Promise<void>)[] = [];

  constructor(clock: ManualClock, openStream: OpenStream, administration?: Administration, inside?: Broker) {
    this.clock = clock;
    this.#openStream = openStream;
    this.#administration = administration;
    this.#inside = inside;
  }

  /** For tests that say they administer. */
  get administration(): Administration {
    if (this.#administration === undefined) throw new Error("the test does not say that it administers");
    return this.#administration;
  }

  /** A new virtual host for this test alone, which guest may use. */
  async newVhost(defaultQueueType?: QueueType): Promise<string> {
    const name = this.name("vhost");
    await this.administration.addVhost(name, defaultQueueType);
    this.#undo.push(() => this.administration.deleteVhost(name));
    return name;
  }

  /** A new user for this test alone, whose name is the password as well. */
  async newUser(): Promise<string> {
    const name = this.name("user");
    await this.administration.addUser(name, name);
    this.#undo.push(() => this.administration.deleteUser(name));
    return name;
  }

  /** The broker itself, for what can be seen from nowhere else. Leveret only. */
  get inside(): Broker {
    if (this.#inside === undefined) throw new Error("a foreign broker cannot be looked into");
    return this.#inside;
  }

  /** A new stream to the broker, on which nothing has been said. `peer` is who Leveret takes the client for. */
  async stream(peer?: Partial<PeerInfo>): Promise<Duplex> {
    const stream = await this.#openStream(peer);
    this.#streams.push(stream);
    return stream;
  }

  /** A client on a new stream, on which nothing has been said. */
  async rawClient(peer?: Partial<PeerInfo>): Promise<RawClient> {
    return new RawClient(await this.stream(peer), externalUrl === undefined ? undefined : EXTERNAL_WAIT_MILLISECONDS);
  }

  /** A client whose connection is open. */
  async connect(options: HandshakeOptions = {}): Promise<RawClient> {
    const client = await this.rawClient();
    await handshake(client, options);
    return client;
  }

  /** A client whose connection and channel 1 are open. */
  async channel(options: HandshakeOptions = {}): Promise<RawClient> {
    const client = await this.connect(options);
    await client.call(1, "channel.open");
    return client;
  }

  /** A name no other test uses. */
  name(prefix: string): string {
    nameCount += 1;
    return `${prefix}-${process.pid}-${nameCount}`;
  }

  /**
   * Lets time pass: for Leveret the clock is moved once it has taken what was sent before, a foreign broker is waited
   * for.
   */
  async pass(milliseconds: number): Promise<void> {
    if (this.#inside === undefined) {
      await setTimeout(milliseconds);
      return;
    }
    for (let turn = 0; turn < TURNS_TO_SETTLE; turn++) await setImmediate();
    this.clock.advance(milliseconds);
    for (let turn = 0; turn < TURNS_TO_SETTLE; turn++) await setImmediate();
  }

  /** Drops every stream, and what was set up for the test. */
  async close(): Promise<void> {
    for (const stream of this.#streams) stream.destroy();
    for (const undo of this.#undo) await undo();
  }
}

let nameCount = 0;

/** A test of what the broker does; the title names the rule: `[queue.declare/passive] a missing queue is 404`. */
export function methodTest(
  title: string,
  body: (broker: BrokerUnderTest) => Promise<void>,
  options: MethodTestOptions = {},
): void {
  test(title, (context) =>
    externalUrl === undefined ? runLocally(options, body) : runExternally(context, externalUrl, options, body),
  );
}

async function runLocally(options: MethodTestOptions, body: (broker: BrokerUnderTest) => Promise<void>): Promise<void> {
  const clock = new ManualClock();
  const testBroker = startTestBroker({ ...options.broker, clock });
  const administration = new InsideAdministration(testBroker.broker);
  const openStream: OpenStream = async (peer) => testBroker.connect(peer);
  const broker = new BrokerUnderTest(clock, openStream, administration, testBroker.broker);
  try {
    await body(broker);
  } finally {
    await broker.close();
    await testBroker.close();
  }
}

async function runExternally(
  context: TestContext,
  url: string,
  options: MethodTestOptions,
  body: (broker: BrokerUnderTest) => Promise<void>,
): Promise<void> {
  const administration = administrationUrl === undefined ? undefined : new HttpAdministration(administrationUrl);
  const broker = new BrokerUnderTest(new ManualClock(), () => openTcp(url), administration);
  try {
    const unfit = reasonToSkip(options) ?? (await olderThan(broker, options.sinceRabbitmq));
    if (unfit === undefined) await body(broker);
    else skipLoudly(context, unfit);
  } finally {
    await broker.close();
  }
}

function reasonToSkip({ leveretOnly, broker, administers }: MethodTestOptions): string | undefined {
  if (leveretOnly !== undefined) return leveretOnly;
  if (broker !== undefined) return "needs options of the broker";
  if (administers === true && administrationUrl === undefined) return "LEVERET_TEST_ADMINISTRATION_URL is not set";
  return undefined;
}

function skipLoudly(context: TestContext, reason: string): void {
  console.warn(`SKIPPED against ${externalUrl}: ${context.name}: ${reason}`);
  context.skip(reason);
}

/** The reason to skip when the broker says it is older than `version`. */
async function olderThan(broker: BrokerUnderTest, version: string | undefined): Promise<string | undefined> {
  if (version === undefined) return undefined;
  const start = await expectStart(await broker.rawClient());
  const actual = String(start.serverProperties.get("version")?.value);
  const isOlder = actual.localeCompare(version, "en", { numeric: true }) < 0;
  return isOlder ? `holds since ${version}, the broker is ${actual}` : undefined;
}

async function openTcp(url: string): Promise<Duplex> {
  const { hostname, port } = new URL(url);
  const socket = connectTcp(port === "" ? 5672 : Number(port), hostname);
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  return socket;
}
