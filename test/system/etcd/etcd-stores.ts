import { must } from "../../../api/result.ts";
import { openReplicatedStore } from "../../../broker/store/replicated/open-replicated-store.ts";
import type { ReplicatedStore } from "../../../broker/store/replicated/replicated-store.ts";
import { EtcdClient } from "../../../broker/store/space/etcd/etcd-client.ts";
import { type EtcdAccess, etcdEndpoints } from "../../../broker/store/space/etcd/etcd-endpoints.ts";
import { EtcdSpace } from "../../../broker/store/space/etcd/etcd-space.ts";
import { systemClock } from "../../../runtime/clock/system-clock.ts";
import { silentLogger } from "../../../runtime/log/silent-log.ts";
import { systemRandom } from "../../../runtime/random/system-random.ts";

const deps = { clock: systemClock, random: systemRandom, log: silentLogger };

export function etcdSpace(access: EtcdAccess, prefix: string): EtcdSpace {
  const endpoints = must(etcdEndpoints(access));
  const client = new EtcdClient({}, { endpoints, clock: systemClock });
  return new EtcdSpace({ prefix }, { ...deps, client });
}

/** A replica's store, in a place of the cluster that the prefix names. */
export async function openEtcdStore(access: EtcdAccess, prefix: string): Promise<ReplicatedStore> {
  const space = etcdSpace(access, prefix);
  const { signal } = new AbortController();
  return must(await openReplicatedStore({}, { ...deps, space }, signal));
}
