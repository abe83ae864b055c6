import type { BrokerMessage, MemberMessage } from "../../api/broker/broker.gen.ts";
import { type SingleMessage, unpackBatch } from "../wire/batch.ts";
import type { StreamEnd, SyncStream, SyncTransport } from "./sync-transport.ts";

/** What a channel tells: of its present stream alone. */
interface ChannelEvents {
  /** One by one; undefined: of a later version of the protocol. */
  onMessage(message: SingleMessage | undefined): void;
  /** A batch cannot be read: the broker broke the protocol. */
  onDamaged(reason: string): void;
  onWritable(): void;
  onClosed(end: StreamEnd): void;
}

/** The one stream to the broker that there is at a time: what comes late from an earlier one is not heard. */
export class SyncChannel {
  readonly #transport: SyncTransport;
  readonly #events: ChannelEvents;
  #stream: SyncStream | undefined;
  #isWritable = false;

  constructor(transport: SyncTransport, events: ChannelEvents) {
    this.#transport = transport;
    this.#events = events;
  }

  /** False: there is no stream, or what is sent more has to wait for it. */
  get isWritable(): boolean {
    return this.#stream !== undefined && this.#isWritable;
  }

  /** Another stream, in the place of one that has ended. */
  open(): void {
    const stream: SyncStream = this.#transport.open({
      onMessage: ({ message }) => this.#receive(stream, message),
      onWritable: () => {
        if (this.#stream !== stream) return;
        this.#isWritable = true;
        this.#events.onWritable();
      },
      onClosed: (end) => {
        if (this.#stream === stream) this.#events.onClosed(end);
      },
    });
    this.#stream = stream;
    this.#isWritable = true;
  }

  /** Lost when there is no stream. */
  send(message: NonNullable<MemberMessage["message"]>): void {
    if (this.#stream !== undefined && !this.#stream.send({ message })) this.#isWritable = false;
  }

  close(): void {
    this.#stream?.close();
  }

  /** The stream has ended, or has been closed: it is not listened to any more. */
  end(): void {
    this.#stream = undefined;
  }

  #receive(stream: SyncStream, message: BrokerMessage["message"]): void {
    if (this.#stream !== stream) return;
    if (message?.$case !== "batch") {
      this.#events.onMessage(message);
      return;
    }
    const unpacked = unpackBatch(message.value);
    if (!unpacked.ok) {
      this.#events.onDamaged(unpacked.error);
      return;
    }
    for (const single of unpacked.value) {
      // One of them may have ended the stream.
      if (this.#stream === stream) this.#events.onMessage(single);
    }
  }
}
