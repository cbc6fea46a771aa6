import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { cleanUp } from "./clean-up.ts";

const AMQP_PORT = 5672;

/** A relay in front of the broker that can be cut without a word, the way a machine or a network dies. */
export class Link {
  readonly url: string;
  readonly #server: Server;
  readonly #sockets: Socket[] = [];

  private constructor(server: Server, url: string) {
    this.#server = server;
    this.url = url;
  }

  static async open(test: TestContext, brokerUrl: string): Promise<Link> {
    const broker = new URL(brokerUrl);
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const relay = new URL(brokerUrl);
    relay.hostname = "127.0.0.1";
    relay.port = String((server.address() as AddressInfo).port);
    const link = new Link(server, relay.href);
    server.on("connection", (near) => {
      const far = connect(broker.port === "" ? AMQP_PORT : Number(broker.port), broker.hostname);
      near.pipe(far).pipe(near);
      for (const socket of [near, far]) {
        socket.on("error", () => link.cut());
        link.#sockets.push(socket);
      }
    });
    cleanUp(test, async () => link.cut());
    return link;
  }

  cut(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
