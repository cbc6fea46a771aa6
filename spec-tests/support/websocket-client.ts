import { AMQPWebSocketClient } from "@cloudamqp/amqp-client/amqp-websocket-client";
import { type ClientOptions, WebSocket } from "ws";

/**
 * Connects the client that amqp-client has for browsers.
 *
 * @param options what a browser would know by itself, such as the authorities it trusts
 */
export async function openWebSocketClient(url: string, options: ClientOptions = {}): Promise<AMQPWebSocketClient> {
  const before = Object.getOwnPropertyDescriptor(globalThis, "WebSocket");
  class BrowserWebSocket extends WebSocket {
    constructor(address: string) {
      super(address, options);
    }
  }
  // The client looks for the browser's WebSocket, which Node 20 does not have, when it connects.
  Object.defineProperty(globalThis, "WebSocket", { value: BrowserWebSocket, configurable: true, writable: true });
  try {
    const client = new AMQPWebSocketClient(url);
    const connecting = client.connect();
    await connecting;
    return client;
  } finally {
    if (before === undefined) Reflect.deleteProperty(globalThis, "WebSocket");
    else Object.defineProperty(globalThis, "WebSocket", before);
  }
}
