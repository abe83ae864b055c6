import { BrokerMessage, MemberMessage } from "../../../api/broker/broker.gen.ts";
import type { ClusterId } from "../../../api/cluster-id.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import { encodeOutgoing } from "../../core/outgoing.ts";
import type { CloseReason, SessionPeer } from "../../core/session-io.ts";
import type { Connection } from "../../server/connection.ts";
import type { Hub } from "../../server/hub.ts";
import type { StreamEnd, StreamHandlers, SyncStream } from "../sync-transport.ts";
import { Pipe } from "./pipe.ts";

export interface MemoryStreamOptions {
  readonly clock: Clock;
  readonly latencyMs: () => number;
  /** Where the stream is listed while it is open. */
  readonly open: Set<MemoryStream>;
}

/** One stream: a pipe each way between a member and the hub, carrying encoded messages. */
export class MemoryStream implements SyncStream {
  readonly cluster: ClusterId;
  /** Which of the broker's it leads to. */
  readonly replica: number;
  readonly #handlers: StreamHandlers;
  readonly #options: MemoryStreamOptions;
  readonly #up: Pipe<Uint8Array>;
  readonly #down: Pipe<Uint8Array>;
  readonly #connection: Connection | undefined;
  #isOpen = true;
  #isWanted = true;

  constructor(
    { peer, replica }: { readonly peer: SessionPeer; readonly replica: number },
    hub: Hub | undefined,
    handlers: StreamHandlers,
    options: MemoryStreamOptions,
  ) {
    this.cluster = peer.cluster;
    this.replica = replica;
    this.#handlers = handlers;
    this.#options = options;
    options.open.add(this);
    this.#up = new Pipe({
      ...options,
      deliver: (bytes) => this.#connection?.receive(MemberMessage.decode(bytes)),
      drained: () => handlers.onWritable(),
    });
    this.#down = new Pipe({
      ...options,
      deliver: (bytes) => handlers.onMessage(BrokerMessage.decode(bytes)),
      drained: () => this.#connection?.writable(),
    });
    this.#up.pause();
    this.#connection = hub?.connect(peer, {
      write: (outgoing) => this.#down.push(encodeOutgoing(outgoing)),
      pauseInput: () => this.#up.pause(),
      resumeInput: () => this.#up.resume(),
      close: (reason) => this.#end(endOf(reason)),
    });
    if (hub === undefined) this.#end({ kind: "lost", reason: "connection refused" });
  }

  send(message: MemberMessage): boolean {
    return this.#isOpen && this.#up.push(MemberMessage.encode(message).finish());
  }

  close(): void {
    this.#isWanted = false;
    this.#shut();
    this.#connection?.ended();
  }

  lose(reason: string): void {
    this.#connection?.ended();
    this.#end({ kind: "lost", reason });
  }

  abandon(lingerMs: number): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#down.close();
    this.#up.postpone(lingerMs / 2);
    this.#tell({ kind: "lost", reason: "connection reset" });
    this.#options.clock.setTimer(lingerMs, () => {
      this.#connection?.ended();
      this.#shut();
    });
  }

  freeze(): void {
    this.#up.close();
    this.#down.close();
  }

  /** The member is told later, as by a network: never within a call of its own. */
  #end(end: StreamEnd): void {
    if (!this.#isOpen) return;
    this.#shut();
    this.#tell(end);
  }

  #tell(end: StreamEnd): void {
    const { clock, latencyMs } = this.#options;
    clock.setTimer(latencyMs(), () => {
      if (this.#isWanted) this.#handlers.onClosed(end);
    });
  }

  #shut(): void {
    this.#isOpen = false;
    this.#up.close();
    this.#down.close();
    this.#options.open.delete(this);
  }
}

/** As broker.proto says of the statuses of Sync. */
function endOf({ kind, text }: CloseReason): StreamEnd {
  const isFinal = kind === "protocol" || kind === "over";
  return { kind: isFinal ? "rejected" : "lost", reason: text };
}
