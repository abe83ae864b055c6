import type { Hello, MemberMessage } from "../../api/broker/broker.gen.ts";
import type { Row } from "../../api/broker/row.ts";
import type { Outgoing } from "../core/outgoing.ts";
import type { CloseReason, SessionPeer } from "../core/session-io.ts";
import { encodeRow } from "../wire/encode-row.ts";
import type { Connection } from "./connection.ts";
import type { Hub } from "./hub.ts";

/** For tests: a member's end of a stream, which takes as many messages as it is told to. */
export class FakeMember {
  readonly heard: Outgoing[] = [];
  /** Messages it takes before it says that it is full. */
  room = Number.POSITIVE_INFINITY;
  isPaused = true;
  closed: CloseReason | undefined;
  readonly connection: Connection;

  constructor(hub: Hub, peer: SessionPeer) {
    this.connection = hub.connect(peer, {
      write: (outgoing) => {
        this.heard.push(outgoing);
        this.room -= 1;
        return this.room > 0;
      },
      pauseInput: () => (this.isPaused = true),
      resumeInput: () => (this.isPaused = false),
      close: (reason) => (this.closed = reason),
    });
  }

  say(message: NonNullable<MemberMessage["message"]>): void {
    this.connection.receive({ message });
  }

  hello(change: Partial<Hello> = {}): void {
    const value = {
      protocolVersions: [1],
      storeEpoch: "",
      namespaces: [],
      known: [],
      cidrs: [],
      capabilities: [],
      ownDigest: new Uint8Array(),
    };
    this.say({ $case: "hello", value: { ...value, ...change } });
  }

  put(sequence: number, row: Row): void {
    this.say({ $case: "put", value: { sequence, row: encodeRow(row) } });
  }

  complete(): void {
    this.say({ $case: "ownComplete", value: { sequence: 0 } });
  }

  ping(): void {
    this.say({ $case: "ping", value: { nonce: 1 } });
  }

  /** It has read: the stream takes so many more. */
  read(count = Number.POSITIVE_INFINITY): void {
    this.room = count;
    this.connection.writable();
  }

  /** Kinds of what it heard, from the `from`th on. */
  kinds(from = 0): readonly string[] {
    return this.heard.slice(from).map((outgoing) => {
      if (outgoing.kind === "message") return outgoing.message.$case;
      return outgoing.kind === "row" ? "rowPut" : "batch";
    });
  }
}
