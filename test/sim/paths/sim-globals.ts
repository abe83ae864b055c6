import { invariant } from "../../../api/invariant.ts";
import type { TableView } from "../../../broker/core/broker-table.ts";
import { DEFAULT_GLOBAL_CIDRS, parsePools } from "../../../broker/globals/block-book.ts";
import { GlobalAddresses } from "../../../broker/globals/global-addresses.ts";
import type { GlobalAllocator } from "../../../broker/globals/global-block.ts";
import { SpaceRecords } from "../../../broker/shared/space-records.ts";
import { MemorySpace } from "../../../broker/store/space/memory/memory-space.ts";
import { MemorySpaceServer } from "../../../broker/store/space/memory/memory-space-server.ts";
import { sleep } from "../../../runtime/clock/sleep.ts";
import type { VirtualClock } from "../../../runtime/clock/virtual-clock.ts";
import { silentLogger } from "../../../runtime/log/silent-log.ts";
import type { Random } from "../../../runtime/random/random.ts";
import type { BookRecords, Wiring } from "../world/wiring.ts";

interface Deps {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly wiring: Wiring;
  /** The broker's present one. */
  readonly table: () => TableView;
}

const LATENCY_MS = 30;
const NEVER = new AbortController().signal;

/** The hubs' book of global addresses: two replicas that race over one record, asked in turn. */
export function simGlobals({ clock, random, wiring, table }: Deps): GlobalAllocator {
  const pools = parsePools(DEFAULT_GLOBAL_CIDRS);
  invariant(pools.ok, "the default pools can be read", { pools });
  const server = new MemorySpaceServer();
  const replicas = [0, 1].map(() => {
    const records = late(new SpaceRecords(new MemorySpace(server)), clock, random);
    return new GlobalAddresses(pools.value, {
      records: wiring.globals?.(records) ?? records,
      table: {
        departed: (cluster) => table().departed(cluster),
        member: (cluster) => table().member(cluster),
      },
      clock,
      random,
      log: silentLogger,
    });
  });
  let asked = 0;
  return {
    allocate: (cluster, need) => {
      asked += 1;
      const replica = replicas[asked % replicas.length];
      invariant(replica !== undefined, "there are replicas", { asked });
      return replica.allocate(cluster, need);
    },
  };
}

function late(records: BookRecords, clock: VirtualClock, random: Random): BookRecords {
  const wait = (): Promise<void> => sleep(clock, random.next() * LATENCY_MS, NEVER);
  return {
    read: async (key) => {
      await wait();
      return records.read(key);
    },
    create: async (key, text) => {
      await wait();
      return records.create(key, text);
    },
    replace: async (key, text, revision) => {
      await wait();
      return records.replace(key, text, revision);
    },
  };
}
