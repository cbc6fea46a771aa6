import type { Operation } from "./operation.ts";

type Weights = Partial<Record<Operation["do"], number>>;

/** What a run has queues do, beside being queues. */
export interface Features {
  readonly kinds: readonly ("classic" | "quorum")[];
  readonly ttl?: boolean;
  readonly expires?: boolean;
  readonly length?: boolean;
  readonly priorities?: boolean;
  readonly singleActiveConsumer?: boolean;
  readonly deadLetters?: boolean;
  readonly atLeastOnce?: boolean;
  readonly retry?: boolean;
  readonly delays?: boolean;
  readonly policies?: boolean;
  readonly deduplication?: boolean;
  readonly consumerTimeout?: boolean;
  readonly autoDelete?: boolean;
}

/** What a run concentrates on. */
export interface Profile {
  readonly features: Features;
  readonly weights: Weights;
}

const BASE: Weights = {
  publish: 100,
  get: 40,
  acknowledge: 60,
  commit: 12,
  rollback: 2,
  recover: 4,
  consume: 12,
  cancel: 5,
  qos: 3,
  toggleWritable: 3,
  reopen: 4,
  declareQueue: 3,
  declareExchange: 1,
  bind: 3,
  unbind: 1,
  purge: 1,
};

const TIME: Weights = { pass: 25 };
const RESTARTS: Weights = { restart: 3, holdCommits: 4, releaseCommits: 2, failCommits: 2 };
const TOPOLOGY: Weights = {
  declareQueue: 12,
  deleteQueue: 6,
  declareExchange: 10,
  deleteExchange: 4,
  bind: 25,
  unbind: 8,
  publish: 120,
};

export const PROFILES: Readonly<Record<string, Profile>> = {
  "classic queues": { features: { kinds: ["classic"] }, weights: BASE },
  "classic queues and restarts": { features: { kinds: ["classic"] }, weights: { ...BASE, ...RESTARTS } },
  "changing topology": { features: { kinds: ["classic"], autoDelete: true }, weights: { ...BASE, ...TOPOLOGY } },
  "lengths and dead letters": {
    features: { kinds: ["classic"], length: true, deadLetters: true },
    weights: { ...BASE, ...RESTARTS },
  },
  "time and dead letters": {
    features: { kinds: ["classic"], ttl: true, expires: true, deadLetters: true, length: true },
    weights: { ...BASE, ...TIME, ...RESTARTS, declareQueue: 10 },
  },
  priorities: {
    features: { kinds: ["classic"], priorities: true, ttl: true, length: true, deadLetters: true },
    weights: { ...BASE, ...TIME, ...RESTARTS },
  },
  "single active consumer": {
    features: { kinds: ["classic", "quorum"], singleActiveConsumer: true },
    weights: { ...BASE, consume: 25, cancel: 12 },
  },
  "consumers that take too long": {
    features: { kinds: ["quorum"], consumerTimeout: true, singleActiveConsumer: true, deadLetters: true, retry: true },
    weights: { ...BASE, ...TIME, ...RESTARTS, consume: 25, acknowledge: 40 },
  },
  "quorum queues": {
    features: { kinds: ["quorum"], length: true, deadLetters: true, ttl: true, priorities: true },
    weights: { ...BASE, ...TIME, ...RESTARTS },
  },
  "retries and dead letters at least once": {
    features: { kinds: ["classic", "quorum"], retry: true, deadLetters: true, atLeastOnce: true, length: true },
    weights: { ...BASE, ...TIME, ...RESTARTS },
  },
  delays: {
    features: { kinds: ["classic", "quorum"], delays: true, ttl: true, deadLetters: true },
    weights: { ...BASE, ...TIME, ...RESTARTS },
  },
  deduplication: {
    features: { kinds: ["classic", "quorum"], deduplication: true, length: true, deadLetters: true, delays: true },
    weights: { ...BASE, ...TIME, ...RESTARTS },
  },
  policies: {
    features: { kinds: ["classic", "quorum"], policies: true, deadLetters: true },
    weights: { ...BASE, ...TIME, ...RESTARTS, setPolicy: 15, clearPolicy: 5 },
  },
  everything: {
    features: {
      kinds: ["classic", "quorum"],
      ttl: true,
      expires: true,
      length: true,
      priorities: true,
      singleActiveConsumer: true,
      deadLetters: true,
      atLeastOnce: true,
      retry: true,
      consumerTimeout: true,
      delays: true,
      policies: true,
      autoDelete: true,
    },
    weights: { ...BASE, ...TIME, ...RESTARTS, ...TOPOLOGY, setPolicy: 6, clearPolicy: 2 },
  },
};
