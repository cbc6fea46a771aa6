/** What a channel.close or connection.close says. */
export interface CloseReason {
  /** AMQP 0-9-1 reply code, e.g. 404; 200 when this side closed in an orderly way. */
  readonly replyCode: number;
  /** The whole reply text, e.g. `NOT_FOUND - no queue 'q' in vhost '/'`. */
  readonly replyText: string;
  /** Ids of the method that the close is about; 0 and 0 when it is about none. */
  readonly classId: number;
  readonly methodId: number;
}

/** The channel was closed, by the broker (whose reason this is) or by this side (200). */
export class ChannelClosedError extends Error implements CloseReason {
  override readonly name = "ChannelClosedError";
  readonly replyCode: number;
  readonly replyText: string;
  readonly classId: number;
  readonly methodId: number;

  /** @internal */
  constructor(reason: CloseReason) {
    super(`channel closed: ${reason.replyCode} ${reason.replyText}`);
    this.replyCode = reason.replyCode;
    this.replyText = reason.replyText;
    this.classId = reason.classId;
    this.methodId = reason.methodId;
  }
}

/** The connection was closed, by the broker (whose reason this is) or by this side (200). */
export class ConnectionClosedError extends Error implements CloseReason {
  override readonly name = "ConnectionClosedError";
  readonly replyCode: number;
  readonly replyText: string;
  readonly classId: number;
  readonly methodId: number;

  /** @internal */
  constructor(reason: CloseReason) {
    super(`connection closed: ${reason.replyCode} ${reason.replyText}`);
    this.replyCode = reason.replyCode;
    this.replyText = reason.replyText;
    this.classId = reason.classId;
    this.methodId = reason.methodId;
  }
}

/** The stream ended, failed or made no sense, without a connection.close. `cause` is the error behind it, if any. */
export class ConnectionLostError extends Error {
  override readonly name = "ConnectionLostError";
}

/** The broker answered a publish with basic.nack: it has not taken the message. */
export class PublishRejectedError extends Error {
  override readonly name = "PublishRejectedError";
  /** The sequence number of the publish on its channel. */
  readonly deliveryTag: number;

  /** @internal */
  constructor(deliveryTag: number) {
    super(`the broker rejected publish ${deliveryTag}`);
    this.deliveryTag = deliveryTag;
  }
}
