import { ok } from "../../../api/result.ts";
import type { BrokerTable, TableView } from "../../../broker/core/broker-table.ts";
import { phaseAt } from "../../../broker/identity/authority/rotation.ts";
import type { Space, SpaceEvent, SpaceListener } from "../../../broker/store/space/space.ts";
import type { Store, StoreSession } from "../../../broker/store/store.ts";
import type { HubWiring } from "./hub-wiring.ts";
import { overrideStore } from "./override-store.ts";

export interface HubBug {
  readonly name: string;
  /** What a programmer might have got wrong. */
  readonly mistake: string;
  /** Promises that it may break: it counts as found only as one of them. */
  readonly breaks: readonly string[];
  readonly wiring: HubWiring;
  /** The first seed that finds it, tried before the others: one that finds it no more costs time, nothing else. */
  readonly seed: number;
}

/** Mistakes of a hub's replicas, identity and shared store that the simulation has to find. */
export const HUB_BUGS: readonly HubBug[] = [
  bug(55, "stale-writer-wins", ["acknowledged", "H1"], "an entry that exists is written over", {
    space: (space) => overrideSpace(space, { create: (write) => writeOver(space, write) }),
  }),
  bug(
    5,
    "acknowledged-too-early",
    ["acknowledged", "H1"],
    "a write is acknowledged before it is stored",
    {
      store: (store) =>
        changeSession(store, (session) => ({
          replaced: session.replaced,
          append: async (records) => {
            void session.append(records);
            return ok(undefined);
          },
        })),
    },
  ),
  bug(
    1,
    "session-not-awaited",
    ["acknowledged", "backwards"],
    "a stream is answered before all is heard",
    {
      store: (store) =>
        overrideStore(store, {
          openSession: async () => {
            return ok({
              replaced: new AbortController().signal,
              append: (rows) => store.append(rows),
            });
          },
        }),
    },
  ),
  bug(
    12,
    "changes-missed",
    ["H1", "backwards", "acknowledged"],
    "now and then the last change of a moment is not heard",
    {
      space: (space) =>
        overrideSpace(space, { follow: (listener) => space.follow(forgetful(listener)) }),
    },
  ),
  bug(
    2,
    "freeze-not-stored",
    ["revoked"],
    "whoever is revoked is told to the audit log, not to the store",
    {
      store: (store) =>
        overrideStore(store, {
          putMember: async (member) =>
            member.frozenAtMs === undefined ? store.putMember(member) : ok(undefined),
        }),
    },
  ),
  bug(2, "frozen-rows-go", ["withdrawn", "H1"], "rows that were to be frozen are withdrawn", {
    revokedRows: () => "withdraw",
  }),
  bug(1, "withdrawn-rows-stay", ["H1"], "rows that were to be withdrawn are frozen", {
    revokedRows: () => "freeze",
  }),
  bug(
    5,
    "departures-forgotten",
    ["H1", "revoked"],
    "whoever was removed is let in again with its old certificate",
    {
      store: (store) => overrideStore(store, { table: withoutDepartures(store.table) }),
    },
  ),
  bug(1, "new-authority-signs-at-once", ["rotation"], "a new authority signs before it is known", {
    phaseAt: (rotation, nowMs) => {
      const phase = phaseAt(rotation, nowMs);
      return phase === "spreading" ? "switched" : phase;
    },
  }),
  bug(
    1,
    "old-authority-dropped",
    ["rotation"],
    "the old authority is trusted no more once the new one signs",
    {
      phaseAt: (rotation, nowMs) => {
        const phase = phaseAt(rotation, nowMs);
        return phase === "switched" ? "over" : phase;
      },
    },
  ),
  bug(1, "renewed-too-late", ["H2"], "a certificate is renewed at its end", {
    renewalDueMs: ({ notAfterMs }) => notAfterMs,
  }),
  bug(
    1,
    "old-certificate-shown",
    ["H2", "rotation"],
    "connections go on with the certificate that was renewed",
    {
      keepsOldCertificate: true,
    },
  ),
];

function bug(
  seed: number,
  name: string,
  breaks: readonly string[],
  mistake: string,
  wiring: HubWiring,
): HubBug {
  return { name, breaks, mistake, wiring, seed };
}

function overrideSpace(space: Space, calls: Partial<Space>): Space {
  return {
    read: (...call) => space.read(...call),
    list: (...call) => space.list(...call),
    create: (...call) => space.create(...call),
    replace: (...call) => space.replace(...call),
    remove: (...call) => space.remove(...call),
    follow: (...call) => space.follow(...call),
    close: () => space.close(),
    ...calls,
  };
}

async function writeOver(
  space: Space,
  write: Parameters<Space["create"]>[0],
): ReturnType<Space["create"]> {
  const created = await space.create(write);
  if (created.ok || created.error.kind !== "conflict") return created;
  const present = await space.read(write.name);
  if (!present.ok || present.value === undefined) return created;
  return space.replace(write, present.value.version);
}

function changeSession(store: Store, change: (session: StoreSession) => StoreSession): Store {
  return overrideStore(store, {
    openSession: async (cluster) => {
      const opened = await store.openSession(cluster);
      return opened.ok ? ok(change(opened.value)) : opened;
    },
  });
}

const FORGOTTEN_EACH = 20;

function forgetful(listener: SpaceListener): SpaceListener {
  let heard = 0;
  return {
    snapshot: (items) => listener.snapshot(items),
    changes: (events: readonly SpaceEvent[]) => {
      heard += 1;
      if (heard % FORGOTTEN_EACH !== 0) listener.changes(events);
    },
  };
}

function withoutDepartures(table: TableView): TableView {
  return overrideTable(table, { departed: () => undefined, departures: () => new Map() });
}

function overrideTable(table: TableView, calls: Partial<TableView>): TableView {
  const same: Pick<BrokerTable, keyof TableView> = {
    owner: (...call) => table.owner(...call),
    owners: () => table.owners(),
    member: (...call) => table.member(...call),
    members: () => table.members(),
    departed: (...call) => table.departed(...call),
    departures: () => table.departures(),
    rowCount: () => table.rowCount(),
    snapshot: () => table.snapshot(),
  };
  return { ...same, ...calls };
}
