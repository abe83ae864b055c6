import { afterAll, beforeAll, expect, test } from "vitest";
import { must } from "../../api/result.ts";

import { describeSharedRecords } from "../../broker/shared/shared-records-compliance.ts";
import { SpaceRecords } from "../../broker/shared/space-records.ts";
import { testReplicasCompliance } from "../../broker/store/replicas-compliance.ts";
import { recordObjects, secretObjects } from "../../broker/store/space/kubernetes/space-object.ts";
import { testSpaceCompliance } from "../../broker/store/space/space-compliance.ts";
import { aRow, testStoreCompliance } from "../../broker/store/store-compliance.ts";
import { testCluster } from "../../broker/wire/row-arbitrary.ts";
import { sleep } from "../../runtime/clock/sleep.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { ExistingServer } from "./kube-hub/existing-server.ts";
import { KubeHub } from "./kube-hub/kube-hub.ts";
import { runCommand } from "./kubectl-command.ts";

const a = testCluster("a");
const { signal } = new AbortController();
let hub: KubeHub;
beforeAll(async () => {
  hub = await KubeHub.start();
});
afterAll(() => hub[Symbol.asyncDispose]());

const isEmbedded = ExistingServer.fromEnv(process.env) === undefined;
const isRestartable = ExistingServer.fromEnv(process.env)?.isRestartable ?? true;
const kinds: readonly { readonly name: string; readonly client: () => KubeClient }[] = [
  { name: "Kubernetes over HTTPS", client: () => hub.client() },
  ...(isEmbedded ? [{ name: "Kubernetes in memory", client: () => hub.memoryClient() }] : []),
];
for (const { name, client } of kinds) {
  const newPlace = async () => {
    const namespace = await hub.newNamespace();
    return { open: () => hub.openStore(namespace, client()) };
  };
  for (const kind of [recordObjects, secretObjects]) {
    testSpaceCompliance(`${name}, ${kind.resource.plural},`, async () => {
      const namespace = await hub.newNamespace();
      return {
        open: async () => hub.space(namespace, client(), kind),
        dispose: async () => undefined,
      };
    });
  }
  describeSharedRecords(`${name}, Secrets,`, async () => {
    const namespace = await hub.newNamespace();
    const open = (): SpaceRecords =>
      new SpaceRecords(hub.space(namespace, client(), secretObjects));
    return { one: open(), other: open() };
  });
  testStoreCompliance(name, newPlace, 6);
  testReplicasCompliance(name, newPlace);
}

test.skipIf(!isRestartable)(
  "the API server restarted under load: nothing acknowledged is lost, replicas agree",
  async () => {
    const namespace = await hub.newNamespace();
    const [one, other] = [await hub.openStore(namespace), await hub.openStore(namespace)];
    const acknowledged = new Set<string>();
    let sequence = 0;
    const stop = new AbortController();
    const writing = (async () => {
      while (!stop.signal.aborted) {
        sequence += 1;
        const name = `row-${sequence}`;
        if ((await one.append([aRow(sequence, name)])).ok) acknowledged.add(`export/shop/${name}`);
      }
    })();
    for (let round = 1; round <= 3; round++) {
      while (acknowledged.size < round * 25) await sleep(systemClock, 10, signal);
      await hub.stop();
      await sleep(systemClock, 300, signal);
      await hub.resume();
    }
    while (acknowledged.size < 100) await sleep(systemClock, 10, signal);
    stop.abort();
    await writing;
    must(await other.openSession(a));
    const later = await hub.openStore(namespace);
    for (const store of [one, other, later]) {
      const rows = new Set<string>([...(store.table.owner(a)?.rows() ?? [])].map(([key]) => key));
      expect([...acknowledged].filter((key) => !rows.has(key))).toEqual([]);
      await store.close();
    }
  },
);

test("an API server that lost everything is another store: the old one says so", async () => {
  const namespace = await hub.newNamespace();
  const store = await hub.openStore(namespace);
  must(await store.append([aRow(1)]));
  const space = hub.space(namespace, hub.client());
  for (const { name } of must(await space.list(""))) must(await space.remove(name));
  while (store.health().kind !== "lost") await sleep(systemClock, 10, signal);
  const again = await hub.openStore(namespace);
  expect(again.epoch).not.toBe(store.epoch);
  await Promise.all([store.close(), again.close()]);
});

test("without the hub's CRD the store does not open, and says what is missing", async () => {
  const kind = {
    ...recordObjects,
    resource: { ...recordObjects.resource, plural: "nosuchrecords" },
  };
  const space = hub.space("default", hub.client(), kind);
  const { openReplicatedStore } = await import(
    "../../broker/store/replicated/open-replicated-store.ts"
  );
  const { silentLogger } = await import("../../runtime/log/silent-log.ts");
  const { systemRandom } = await import("../../runtime/random/system-random.ts");
  const deps = { space, clock: systemClock, random: systemRandom, log: silentLogger };
  const opened = await openReplicatedStore({}, deps, signal);
  expect(opened.ok ? "" : opened.error.text).toMatch(/^cannot open store: .*CRD/);
});

test("kubectl shows what each object holds", async () => {
  const namespace = await hub.newNamespace();
  const store = await hub.openStore(namespace);
  must(await store.append([aRow(1), aRow(2, "db")]));
  const inContext = hub.context === undefined ? [] : ["--context", hub.context];
  const { out } = await runCommand(
    "kubectl",
    ["get", "brokerrecords", "-n", namespace, ...inContext],
    {
      KUBECONFIG: hub.kubeconfig,
      HOME: hub.folder,
    },
  );
  const lines = out.split("\n").map((line) => line.trim().split(/\s{2,}/));
  expect(lines[0]).toEqual(["NAME", "CLUSTER", "KIND", "SEQUENCE", "HOLDS", "AGE"]);
  expect(lines.find(([name]) => name?.startsWith("log."))?.slice(1, 5)).toEqual([
    "a",
    "log",
    "2",
    "export/shop/web export/shop/db",
  ]);
  await store.close();
});
