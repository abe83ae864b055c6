import type { ClientDuplexStream, ServiceError } from "@grpc/grpc-js";
import {
  type Event,
  Event_EventType,
  type WatchRequest,
  type WatchResponse,
} from "../../../../api/etcd/etcd.gen.ts";
import { backoffMs } from "../../../../runtime/backoff/backoff.ts";
import type { Clock } from "../../../../runtime/clock/clock.ts";
import { sleep } from "../../../../runtime/clock/sleep.ts";
import type { Logger } from "../../../../runtime/log/log.ts";
import type { Random } from "../../../../runtime/random/random.ts";
import type { SpaceEvent, SpaceListener } from "../space.ts";
import type { EtcdClient } from "./etcd-client.ts";
import type { EtcdKeys } from "./etcd-keys.ts";
import { listItems } from "./list-items.ts";

interface Deps {
  readonly client: EtcdClient;
  readonly keys: EtcdKeys;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

type WatchCall = ClientDuplexStream<WatchRequest, WatchResponse>;

/** How a watch ended. */
type WatchEnd =
  /** Go on from the last revision. */
  | { readonly kind: "cut"; readonly reason: string }
  /** History is missing: only a listing helps. */
  | { readonly kind: "compacted" }
  | { readonly kind: "restarted" };

const RETRY = { firstMs: 100, maxMs: 5000 };
/** In which a watch must be answered. */
const CREATE_MS = 3000;

/**
 * Follows all keys behind a prefix: lists them at one revision, then watches from the next. A cut watch goes on where it
 * was; history that etcd has dropped meanwhile is replaced by another listing.
 */
export class EtcdFollower {
  readonly #listener: SpaceListener;
  readonly #deps: Deps;
  readonly #stopping = new AbortController();
  #work: Promise<void> | undefined;
  /** Last revision that the listener knows; undefined: a listing comes first. */
  #revision: number | undefined;
  #endWatch: ((end: WatchEnd) => void) | undefined;
  #failures = 0;

  constructor(listener: SpaceListener, deps: Deps) {
    this.#listener = listener;
    this.#deps = deps;
  }

  start(): void {
    this.#work ??= this.#run();
  }

  restart(): void {
    this.#revision = undefined;
    this.#deps.client.passOver();
    this.#endWatch?.({ kind: "restarted" });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#endWatch?.({ kind: "restarted" });
    await this.#work;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const failure = this.#revision === undefined ? await this.#list() : await this.#watch();
      if (failure === undefined || signal.aborted) continue;
      const delayMs = backoffMs(RETRY, this.#failures++, this.#deps.random);
      this.#deps.log.warn("etcd not followed", { reason: failure, delayMs });
      this.#deps.client.passOver();
      await sleep(this.#deps.clock, delayMs, signal);
    }
  }

  /** Returns what failed. */
  async #list(): Promise<string | undefined> {
    const listed = await listItems(this.#deps.client, this.#deps.keys, "");
    if (!listed.ok) return listed.error === "compacted" ? undefined : listed.error.text;
    this.#revision = listed.value.revision;
    this.#listener.snapshot(listed.value.items);
    return undefined;
  }

  async #watch(): Promise<string | undefined> {
    const end = await this.#watchUntilEnd(this.#revision ?? 0);
    if (end.kind === "compacted") this.#revision = undefined;
    return end.kind === "cut" ? end.reason : undefined;
  }

  /** Listens from after `revision` on. */
  #watchUntilEnd(revision: number): Promise<WatchEnd> {
    return new Promise((resolve) => {
      const call: WatchCall = this.#deps.client.watch();
      const timer = this.#deps.clock.setTimer(CREATE_MS, () =>
        finish({ kind: "cut", reason: `watch must be answered within ${CREATE_MS} ms` }),
      );
      const finish = (end: WatchEnd): void => {
        timer.cancel();
        if (this.#endWatch !== finish) return;
        this.#endWatch = undefined;
        call.cancel();
        resolve(end);
      };
      this.#endWatch = finish;
      // BOUNDED: by one revision, which is one transaction.
      let fragments: Event[] = [];
      call.on("error", (error: ServiceError) => finish({ kind: "cut", reason: error.message }));
      call.on("end", () => finish({ kind: "cut", reason: "watch ended" }));
      call.on("data", (response: WatchResponse) => {
        if (this.#endWatch !== finish) return;
        if (response.canceled) {
          finish(endOf(response));
          return;
        }
        if (response.created) {
          timer.cancel();
          this.#failures = 0;
        }
        fragments.push(...response.events);
        if (response.fragment) return;
        const events = fragments;
        fragments = [];
        if (events.length > 0) this.#tell(events);
      });
      const { key, rangeEnd } = this.#deps.keys.range("");
      const value = {
        key,
        rangeEnd,
        startRevision: revision + 1,
        fragment: true,
      };
      call.write({ requestUnion: { $case: "createRequest", value } });
    });
  }

  #tell(events: readonly Event[]): void {
    const changes: SpaceEvent[] = [];
    for (const { type, kv } of events) {
      if (kv === undefined) continue;
      // Undefined: another listing comes first, whatever is still heard.
      if (this.#revision !== undefined) this.#revision = kv.modRevision;
      changes.push(
        type === Event_EventType.DELETE
          ? { kind: "removed", name: this.#deps.keys.name(kv.key) }
          : { kind: "put", item: this.#deps.keys.item(kv) },
      );
    }
    this.#listener.changes(changes);
  }
}

function endOf({ compactRevision, cancelReason }: WatchResponse): WatchEnd {
  return compactRevision > 0
    ? { kind: "compacted" }
    : { kind: "cut", reason: `etcd ended the watch: ${cancelReason}` };
}
