import type { CloseReason, SessionPeer } from "../../../broker/core/session-io.ts";
import { DEFAULT_GLOBAL_CIDRS, parsePools } from "../../../broker/globals/block-book.ts";
import { GlobalAddresses } from "../../../broker/globals/global-addresses.ts";
import type { HubPolicy } from "../../../broker/policy/cluster-policy.ts";
import { NO_POLICY } from "../../../broker/policy/cluster-policy.ts";
import { parsePolicy } from "../../../broker/policy/parse-policy.ts";
import type { Connection, Transport } from "../../../broker/server/connection.ts";
import { Hub } from "../../../broker/server/hub.ts";
import { SpaceRecords } from "../../../broker/shared/space-records.ts";
import { MemoryStore } from "../../../broker/store/memory/memory-store.ts";
import { MemorySpace } from "../../../broker/store/space/memory/memory-space.ts";
import { MemorySpaceServer } from "../../../broker/store/space/memory/memory-space-server.ts";
import { testCluster } from "../../../broker/wire/row-arbitrary.ts";
import type { VirtualClock } from "../../../runtime/clock/virtual-clock.ts";
import type { Changing } from "../../../runtime/config/changing.ts";
import { silentLogger as log } from "../../../runtime/log/silent-log.ts";
import { silentMeter as meter } from "../../../runtime/metrics/silent-meter.ts";
import { seededRandom } from "../../../runtime/random/seeded-random.ts";
import type { BrokerAct } from "./recording.ts";

/** Today's broker over a store in memory, to which everything that a recording names can happen. */
export class WiredBroker {
  readonly #clock: VirtualClock;
  #epoch = 1;
  #store = new MemoryStore("epoch-1");
  /** Its record outlives a lost store. */
  readonly #globals: GlobalAddresses;
  #policy: HubPolicy = NO_POLICY;
  /** BOUNDED: one hub at a time listens. */
  readonly #policyListeners = new Set<() => void>();
  #hub: Hub | undefined;
  /** Streams that are open, by name. BOUNDED: by the recording. */
  readonly #streams = new Map<string, Connection>();

  constructor(clock: VirtualClock) {
    this.#clock = clock;
    const pools = parsePools(DEFAULT_GLOBAL_CIDRS);
    if (!pools.ok) throw new Error(pools.error);
    this.#globals = new GlobalAddresses(pools.value, {
      records: new SpaceRecords(new MemorySpace(new MemorySpaceServer())),
      table: {
        departed: (cluster) => this.#store.table.departed(cluster),
        member: (cluster) => this.#store.table.member(cluster),
      },
      clock,
      random: seededRandom(1),
      log,
    });
    this.#start();
  }

  /** False: it is down. */
  get isUp(): boolean {
    return this.#hub !== undefined;
  }

  connect(
    stream: string,
    peer: SessionPeer,
    transport: Pick<Transport, "write"> & { closed(reason: CloseReason): void },
  ): void {
    const connection = this.#hub?.connect(peer, {
      write: (outgoing) => transport.write(outgoing),
      pauseInput: () => undefined,
      resumeInput: () => undefined,
      close: (reason) => {
        this.#streams.delete(stream);
        transport.closed(reason);
      },
    });
    if (connection?.isOpen === true) this.#streams.set(stream, connection);
  }

  connection(stream: string): Connection | undefined {
    return this.#streams.get(stream);
  }

  /** The stream ended, not by the broker's doing. */
  ended(stream: string): void {
    const connection = this.#streams.get(stream);
    this.#streams.delete(stream);
    connection?.ended();
  }

  async act(act: BrokerAct): Promise<void> {
    switch (act.do) {
      case "policy": {
        const parsed = parsePolicy(act.document);
        if (!parsed.ok) throw new Error(parsed.error);
        this.#policy = parsed.value;
        for (const listener of this.#policyListeners) listener();
        return;
      }
      case "start":
        this.#start();
        return;
      case "stop":
        this.#stop();
        return;
      case "lose-store":
        this.#stop();
        this.#epoch += 1;
        this.#store = new MemoryStore(`epoch-${this.#epoch}`);
        this.#start();
        return;
      case "drain":
        void this.#hub?.drain(act.withinMs);
        return;
      case "remove":
        await this.#store.removeMember(testCluster(act.member));
        return;
      case "freeze": {
        const member = this.#store.table.member(testCluster(act.member));
        if (member === undefined) throw new Error(`${act.member} must be a member to be frozen`);
        await this.#store.putMember({ ...member, frozenAtMs: this.#clock.nowMs() });
        return;
      }
      case "break":
        // Of the network: whoever holds the streams ends them.
        return;
    }
  }

  #start(): void {
    const policy: Changing<HubPolicy> = changing(() => this.#policy, this.#policyListeners);
    const store = this.#store;
    const hub = new Hub(
      { clusterset: "golden" },
      { store, clock: this.#clock, log, meter, policy, globals: this.#globals },
    );
    this.#hub = hub;
    hub.start();
  }

  #stop(): void {
    this.#hub?.stop();
    this.#hub = undefined;
  }
}

function changing(current: () => HubPolicy, listeners: Set<() => void>): Changing<HubPolicy> {
  return {
    get current() {
      return current();
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
