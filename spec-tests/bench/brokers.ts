import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type BrokerProgram,
  freePort,
  type RunningBroker,
  runningPeer,
  scratchDirectory,
  startProgram,
} from "./broker-process.ts";

/** What `bin/leveret.js` does, for the code that the bench was compiled with. */
export const LAUNCHER: string = join(import.meta.dirname, "../cli/launcher.js");

/** Where Debian's package has it; the one in the path changes its user first. */
const RABBITMQ_SERVER = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/** A broker that takes part. */
export interface Contender {
  readonly name: string;
  start(): Promise<RunningBroker>;
}

/** A broker that is running already. */
export interface Peer {
  readonly name: string;
  readonly url: string;
}

/** Leveret, Debian's RabbitMQ where it is installed unless it is left out, and the peers. */
export function contenders(peers: readonly Peer[], withRabbitmq: boolean): Contender[] {
  const all: Contender[] = [{ name: "Leveret", start: async () => startProgram(await leveretProgram()) }];
  if (withRabbitmq && existsSync(RABBITMQ_SERVER)) {
    all.push({ name: "RabbitMQ", start: async () => startProgram(await rabbitmq()) });
  }
  for (const { name, url } of peers) all.push({ name, start: () => runningPeer(name, url) });
  return all;
}

/** Leveret on a free port and a new directory. @param further options of `leveret start` */
export async function leveretProgram(further: readonly string[] = []): Promise<BrokerProgram> {
  const directory = scratchDirectory();
  const port = await freePort();
  const options = ["--port", String(port), "--data-dir", join(directory, "data"), "--log-level", "silent"];
  return {
    name: "Leveret",
    command: process.execPath,
    args: [LAUNCHER, "start", ...options, ...further],
    environment: {},
    port,
    directory,
    helperPorts: [],
  };
}

/** A node of its own name, that listens on the loopback interface only and keeps everything in its directory. */
async function rabbitmq(): Promise<BrokerProgram> {
  const directory = scratchDirectory();
  const port = await freePort();
  const epmdPort = await freePort();
  const plugins = join(directory, "enabled_plugins");
  writeFileSync(plugins, "[].\n");
  return {
    name: "RabbitMQ",
    command: RABBITMQ_SERVER,
    args: [],
    environment: {
      HOME: directory,
      RABBITMQ_NODENAME: `leveret-bench-${process.pid}@localhost`,
      RABBITMQ_NODE_IP_ADDRESS: "127.0.0.1",
      RABBITMQ_NODE_PORT: String(port),
      RABBITMQ_DIST_PORT: String(await freePort()),
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "-kernel inet_dist_use_interface {127,0,0,1}",
      RABBITMQ_MNESIA_BASE: join(directory, "mnesia"),
      RABBITMQ_LOG_BASE: join(directory, "log"),
      RABBITMQ_PID_FILE: join(directory, "pid"),
      RABBITMQ_ENABLED_PLUGINS_FILE: plugins,
      RABBITMQ_CONFIG_FILE: join(directory, "rabbitmq"),
      ERL_EPMD_ADDRESS: "127.0.0.1",
      ERL_EPMD_PORT: String(epmdPort),
    },
    port,
    directory,
    helperPorts: [epmdPort],
  };
}
