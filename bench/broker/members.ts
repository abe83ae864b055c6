import { rowKey } from "../../api/broker/row.ts";
import { type ServiceKey, serviceKey } from "../../api/service-key.ts";
import { GrpcSyncTransport } from "../../broker/client/grpc/grpc-sync-transport.ts";
import { MemberLink } from "../../broker/client/member-link.ts";
import type { MemberIdentity } from "../../broker/identity/member/member-identity.ts";
import { systemClock as clock } from "../../runtime/clock/system-clock.ts";
import { silentLogger as log } from "../../runtime/log/silent-log.ts";
import { systemRandom as random } from "../../runtime/random/system-random.ts";
import { BenchTransport } from "./bench-transport.ts";
import { GcPauses } from "./gc-pauses.ts";
import {
  type MembersAnswer,
  type MembersCommand,
  type MembersStart,
  machineMs,
} from "./process-messages.ts";
import { addressOf, endpointsAt, namespacesOf, rowsAt } from "./workload.ts";

// Real members' links, many in one process, as run.ts tells it: `fork(members.ts)`.

const PATIENCE_MS = 600_000;

interface Member {
  readonly index: number;
  readonly identity: MemberIdentity;
  readonly own: readonly number[];
  /** Foreign services that it ought to have. */
  readonly expected: number;
  link: MemberLink;
  transport: BenchTransport;
  stop: AbortController;
  syncedMs: number | undefined;
  /** Streams that do not count: it is to open another. */
  openedBefore: number;
}

class Members {
  readonly #start: MembersStart;
  readonly #members: Member[] = [];
  readonly #gc = new GcPauses();
  #vanished = 0;

  constructor(start: MembersStart) {
    this.#start = start;
    const { workload, identities, first } = start;
    for (const [at, identity] of identities.entries()) {
      const index = first + at;
      const own: number[] = [];
      for (let each = index; each < workload.exports; each += workload.members) own.push(each);
      const wanted = namespacesOf(index, workload);
      // Exports number n, n + namespaces, ... are in namespace n.
      let expected = 0;
      for (const namespace of wanted) {
        for (let each = Number(namespace.slice(3)); each < workload.exports; ) {
          if (each % workload.members !== index) expected += 1;
          each += workload.namespaces;
        }
      }
      this.#members.push({
        index,
        identity,
        own,
        expected,
        ...this.#link(identity),
        syncedMs: undefined,
        openedBefore: 0,
      });
    }
  }

  async take(
    command: Exclude<MembersCommand, { kind: "begin" }>,
  ): Promise<MembersAnswer | undefined> {
    switch (command.kind) {
      case "restart":
        return this.#answer({ syncMs: await this.#restart(command.isWanting) });
      case "settle":
        return this.#answer({ syncMs: await this.#settle(true) });
      case "watch":
        this.#watch();
        return this.#answer({});
      case "change": {
        const owner = this.#members.find(({ own }) => own.includes(command.at));
        if (owner === undefined) return undefined;
        this.#setRows(owner, command.at, command.revision);
        return this.#answer({});
      }
      case "await":
        return this.#await(command.at, command.revision);
      case "cut":
      case "heal": {
        const member = this.#members.find(({ index }) => index === command.member);
        if (member === undefined) return undefined;
        if (command.kind === "cut") member.transport.cut();
        else {
          member.transport.heal();
          await until(() => this.#isSettled(member, true));
        }
        return this.#answer({});
      }
    }
  }

  #link(identity: MemberIdentity): Pick<Member, "link" | "transport" | "stop"> {
    const inner = new GrpcSyncTransport({
      identity: () => identity,
      addresses: [identity.brokerAddress, ...this.#start.otherAddresses],
    });
    const transport = new BenchTransport(inner, this.#start.takesBatches);
    const { clusterId } = identity;
    const link = new MemberLink({ clusterId }, { transport, clock, random, log });
    return { link, transport, stop: new AbortController() };
  }

  async #restart(isWanting: boolean): Promise<readonly number[]> {
    for (const { stop } of this.#members) stop.abort();
    const { workload } = this.#start;
    for (const member of this.#members) {
      Object.assign(member, this.#link(member.identity));
      member.openedBefore = 0;
      for (const at of member.own) this.#setRows(member, at, 0);
      member.link.markOwnComplete();
      member.link.setNamespaces(new Set(isWanting ? namespacesOf(member.index, workload) : []));
      member.link.start(member.stop.signal);
    }
    return this.#settle(isWanting);
  }

  /** Milliseconds until each is settled. */
  async #settle(isWanting: boolean): Promise<readonly number[]> {
    const startMs = clock.monotonicMs();
    for (const member of this.#members) member.syncedMs = undefined;
    await until(() => {
      const nowMs = clock.monotonicMs();
      for (const member of this.#members) {
        if (member.syncedMs === undefined && this.#isSettled(member, isWanting))
          member.syncedMs = nowMs;
      }
      return this.#members.every(({ syncedMs }) => syncedMs !== undefined);
    });
    return this.#members.map(({ syncedMs = startMs }) => syncedMs - startMs);
  }

  /** Connected, the first and the last of its own rows stored and everything of the others here. */
  #isSettled(member: Member, isWanting: boolean): boolean {
    const { link, own, expected, identity, transport, openedBefore } = member;
    if (transport.opened <= openedBefore) return false;
    const status = link.status();
    if (status.kind !== "connected" || !status.synced) return false;
    if (isWanting && [...link.foreignServices()].length !== expected) return false;
    return [own[0], own.at(-1)].every((at) => {
      if (at === undefined) return true;
      return link.isStored(rowKey(endpointsAt(identity.clusterId, at, this.#start.workload)));
    });
  }

  #setRows({ identity, link }: Member, at: number, revision: number): void {
    const [exported] = rowsAt(identity.clusterId, at, this.#start.workload);
    if (exported === undefined) throw new Error("an export has rows");
    const endpoints = endpointsAt(identity.clusterId, at, this.#start.workload, revision);
    link.setOwnRows(serviceKey(exported.namespace, exported.name), [exported, endpoints]);
  }

  #watch(): void {
    this.#vanished = 0;
    for (const member of this.#members) {
      member.openedBefore = member.transport.opened;
      const { link } = member;
      // Events are about own services too, which have no foreign rows.
      const held = new Set(link.foreignServices());
      link.subscribe((event) => {
        if (event.kind !== "service-changed" || !held.has(event.service)) return;
        if (link.foreignRows(event.service).length === 0) this.#vanished += 1;
      });
    }
  }

  async #await(at: number, revision: number): Promise<MembersAnswer> {
    this.#gc.take();
    const { workload } = this.#start;
    const { namespace, name } = endpointsAt(firstCluster(this.#members), at, workload);
    const key: ServiceKey = serviceKey(namespace, name);
    const address = addressOf(revision);
    const wanting = this.#members.filter(
      ({ index, own }) => namespacesOf(index, workload).includes(namespace) && !own.includes(at),
    );
    const missing = new Set(wanting.filter(({ link }) => !hasAddress(link, key, address)));
    if (missing.size > 0) {
      await new Promise<void>((resolve) => {
        for (const member of missing) {
          const stop = member.link.subscribe((event) => {
            if (event.kind !== "service-changed" || event.service !== key) return;
            if (!hasAddress(member.link, key, address)) return;
            stop();
            missing.delete(member);
            if (missing.size === 0) resolve();
          });
        }
      });
    }
    return this.#answer({ members: wanting.length, gcMs: this.#gc.take() });
  }

  #answer(part: Partial<MembersAnswer>): MembersAnswer {
    return {
      doneMs: machineMs(),
      syncMs: [],
      members: 0,
      gcMs: 0,
      vanished: this.#vanished,
      residentMiB: Math.round(process.memoryUsage().rss / 2 ** 20),
      ...part,
    };
  }
}

function firstCluster([member]: readonly Member[]): MemberIdentity["clusterId"] {
  if (member === undefined) throw new Error("a process has members");
  return member.identity.clusterId;
}

function hasAddress(link: MemberLink, key: ServiceKey, address: string): boolean {
  return link
    .foreignRows(key)
    .some(
      (row) =>
        row.kind === "endpoints" && row.endpoints.some(({ addresses }) => addresses[0] === address),
    );
}

async function until(condition: () => boolean): Promise<void> {
  const startMs = clock.monotonicMs();
  while (!condition()) {
    if (clock.monotonicMs() - startMs > PATIENCE_MS) throw new Error("does not come to rest");
    await new Promise<void>((resolve) => void clock.setTimer(50, resolve));
  }
}

let members: Members | undefined;

process.on(
  "message",
  ({ id, command }: { readonly id: number; readonly command: MembersCommand }) => {
    if (command.kind === "begin") {
      members = new Members(command.start);
      process.send?.({ id });
      return;
    }
    void members?.take(command).then((answer) => process.send?.({ id, answer }));
  },
);
process.on("disconnect", () => process.exit(0));
