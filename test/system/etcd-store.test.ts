import { afterAll, beforeAll } from "vitest";
import { describeSharedRecords } from "../../broker/shared/shared-records-compliance.ts";
import { SpaceRecords } from "../../broker/shared/space-records.ts";
import { testReplicasCompliance } from "../../broker/store/replicas-compliance.ts";
import { testSpaceCompliance } from "../../broker/store/space/space-compliance.ts";
import { testStoreCompliance } from "../../broker/store/store-compliance.ts";
import { EtcdCluster } from "./etcd/etcd-cluster.ts";
import { etcdSpace, openEtcdStore } from "./etcd/etcd-stores.ts";

let single: EtcdCluster;
let secure: EtcdCluster;
let places = 0;
beforeAll(async () => {
  [single, secure] = await Promise.all([
    EtcdCluster.start({ members: 1 }),
    EtcdCluster.start({ members: 3, isTls: true }),
  ]);
});
afterAll(async () => {
  await single[Symbol.asyncDispose]();
  await secure[Symbol.asyncDispose]();
});

for (const { name, cluster } of [
  { name: "etcd", cluster: () => single },
  { name: "etcd, three members with TLS", cluster: () => secure },
]) {
  const newPlace = async () => {
    const prefix = `/place-${++places}`;
    return { open: () => openEtcdStore(cluster().access(), prefix) };
  };
  testSpaceCompliance(name, async () => {
    const prefix = `/space-${++places}`;
    return {
      open: async () => etcdSpace(cluster().access(), prefix),
      dispose: async () => undefined,
    };
  });
  describeSharedRecords(name, async () => {
    const prefix = `/shared-${++places}`;
    const open = (): SpaceRecords => new SpaceRecords(etcdSpace(cluster().access(), prefix));
    return { one: open(), other: open() };
  });
  testStoreCompliance(name, newPlace, 6);
  testReplicasCompliance(name, newPlace);
}
