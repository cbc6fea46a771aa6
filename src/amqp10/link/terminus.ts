import { Fields } from "../codec/fields.ts";
import { descriptorCode } from "../codec/performatives.ts";
import { bool, composite, string, symbol, symbolMap, symbols, type Typed, uint } from "../codec/types.ts";

const SOURCE = 0x28;
const TARGET = 0x29;
const COORDINATOR = 0x30;

const SYMBOLIC: ReadonlyMap<string, number> = new Map([
  ["amqp:source:list", SOURCE],
  ["amqp:target:list", TARGET],
  ["amqp:coordinator:list", COORDINATOR],
]);

/** What a dynamic node's queue goes by, which it does whatever the client has asked for: delete-on-close, part 3.5.10. */
const LIFETIME = symbolMap([["lifetime-policy", composite(0x2b, [])]]);

/** The capabilities there are; the answer has no others. AMQP JMS Mapping. */
const CAPABILITIES: readonly string[] = ["queue", "topic", "temporary-queue", "temporary-topic", "shared", "global"];

/** A source or target: one end of a link. Source: AMQP 1.0, part 3.5. */
export interface Terminus {
  /** Undefined: none, which in a target means that each message has its own. */
  readonly address: string | undefined;
  /** 0: nothing of it outlives the link. */
  readonly durable: number;
  readonly expiryPolicy: string | undefined;
  /** Of a target: how long it is kept after what the policy says. */
  readonly timeoutSeconds: number;
  readonly dynamic: boolean;
  readonly capabilities: readonly string[];
  /** Of a source: name and value of each filter asked for. */
  readonly filter: ReadonlyMap<string, Typed>;
  readonly distributionMode: string | undefined;
}

/** True for the target of a link on which transactions are controlled. */
export function isCoordinator(target: Typed | undefined): boolean {
  return target !== undefined && descriptorCode(target, SYMBOLIC) === COORDINATOR;
}

/** @throws Amqp10Error amqp:decode-error */
export function readSource(source: Typed): Terminus {
  const fields = new Fields("source", source);
  return {
    ...readTerminus(fields),
    distributionMode: fields.text(6),
    filter: fields.record(7),
    capabilities: fields.symbols(10),
  };
}

/** @throws Amqp10Error amqp:decode-error */
export function readTarget(target: Typed): Terminus {
  const fields = new Fields("target", target);
  return { ...readTerminus(fields), timeoutSeconds: fields.number(3) ?? 0, capabilities: fields.symbols(6) };
}

function readTerminus(fields: Fields): Terminus {
  return {
    address: fields.text(0),
    durable: fields.number(1) ?? 0,
    expiryPolicy: fields.text(2),
    timeoutSeconds: 0,
    dynamic: fields.flag(4),
    capabilities: [],
    filter: new Map(),
    distributionMode: undefined,
  };
}

/** The terminus as it is in place. `filter`: what is in effect of what was asked for. */
export function encodeSource(source: Terminus, filter: Typed | undefined, outcomes: readonly string[]): Typed {
  return composite(SOURCE, [
    ...encodedFields(source),
    source.distributionMode === undefined ? undefined : symbol(source.distributionMode),
    filter,
    composite(0x26, []),
    symbols(outcomes),
    encodedCapabilities(source),
  ]);
}

export function encodeTarget(target: Terminus): Typed {
  return composite(TARGET, [...encodedFields(target), encodedCapabilities(target)]);
}

function encodedFields({ address, durable, expiryPolicy, timeoutSeconds, dynamic }: Terminus): (Typed | undefined)[] {
  return [
    address === undefined ? undefined : string(address),
    uint(durable),
    expiryPolicy === undefined ? undefined : symbol(expiryPolicy),
    timeoutSeconds === 0 ? undefined : uint(timeoutSeconds),
    dynamic ? bool(true) : undefined,
    dynamic ? LIFETIME : undefined,
  ];
}

function encodedCapabilities({ capabilities }: Terminus): Typed | undefined {
  const ours = capabilities.filter((capability) => CAPABILITIES.includes(capability));
  return ours.length === 0 ? undefined : symbols(ours);
}
