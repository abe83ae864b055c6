import { join } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { KubeObject, Resource } from "../../api/kube/object.ts";
import { must } from "../../api/result.ts";
import { silentAudit } from "../../broker/audit/audit-log.ts";
import { openBrokerIdentity } from "../../broker/identity/broker-identity.ts";
import { issueToken } from "../../broker/identity/token/issue-token.ts";
import type { BrokerPlace } from "../../broker/place/broker-place.ts";
import { openPlace } from "../../broker/place/open-place.ts";
import { recordObjects, secretObjects } from "../../broker/store/space/kubernetes/space-object.ts";
import { aRow } from "../../broker/store/store-compliance.ts";
import { testCluster } from "../../broker/wire/row-arbitrary.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { listAll } from "../../runtime/kube/list-all.ts";
import { applyManifests } from "../../runtime/kube/policy/apply-manifests.ts";
import { readClusterPolicy } from "../../runtime/kube/policy/read-cluster-policy.ts";
import {
  renderClusterPolicy,
  SHIPPED_NAMES,
} from "../../runtime/kube/policy/render-cluster-policy.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import { PrometheusMeter } from "../../runtime/metrics/prometheus-meter.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { writeAccess } from "../e2e/harness/cluster-access.ts";
import { callsIn, unlawful, unused } from "../permissions/calls.ts";
import { ExistingServer } from "./kube-hub/existing-server.ts";
import { KubeHub } from "./kube-hub/kube-hub.ts";

const HUB_POLICY = new URL("../../api/cluster-policy/hub/", import.meta.url);
const isEmbedded = ExistingServer.fromEnv(process.env) === undefined;
const a = testCluster("a");
const { signal } = new AbortController();

let hub: KubeHub;
let namespace: string;
let meter: PrometheusMeter;
let places: readonly BrokerPlace[];
beforeAll(async () => {
  hub = await KubeHub.start();
  namespace = await hub.newNamespace();
  meter = new PrometheusMeter();
  const client = isEmbedded ? hub.client({ meter }) : await asBroker();
  const deps = { clock: systemClock, random: systemRandom, log: silentLogger, meter };
  places = [1, 2].map((replica) =>
    must(
      openPlace(
        { kind: "kubernetes", client, namespace, clusterset: "prod", replica: `broker-${replica}` },
        deps,
      ),
    ),
  );
});
afterAll(async () => {
  for (const place of places) await place.close();
  await hub[Symbol.asyncDispose]();
});

/** Where roles are in force: nothing but the shipped one. */
async function asBroker(): Promise<KubeClient> {
  const names = { ...SHIPPED_NAMES, namespace };
  const objects = must(renderClusterPolicy(readClusterPolicy(HUB_POLICY.pathname), names));
  const applied = await applyManifests(
    objects,
    { client: hub.client(), clock: systemClock },
    signal,
  );
  expect(applied.filter(({ problem }) => problem !== undefined)).toEqual([]);
  const admin = new KubeConfig();
  admin.loadFromFile(hub.kubeconfig);
  if (hub.context !== undefined) admin.setCurrentContext(hub.context);
  const access = { kubeconfig: join(hub.folder, "broker.kubeconfig"), context: "broker" };
  await writeAccess(admin, access, namespace, "isthmus-broker");
  return hub.client({ meter, ...access });
}

async function texts(resource: Resource, dataOf: (object: KubeObject) => unknown) {
  const query = { namespace };
  const objects = must(await listAll<KubeObject>(hub.client(), resource, query, signal));
  return new Map(
    objects.flatMap((object) => {
      const data = dataOf(object);
      if (typeof data !== "string") return [];
      return [[object.metadata.name, Buffer.from(data, "base64").toString("latin1")] as const];
    }),
  );
}

test("two replicas share one authority; its key is in a Secret and nowhere else", async () => {
  const deps = { clock: systemClock, random: systemRandom, log: silentLogger, audit: silentAudit };
  const stopping = new AbortController();
  const options = { clusterset: "prod", hosts: ["hub"] };
  const opened = await Promise.all(
    places.map(async (place) => {
      const store = must(await place.openStore(signal));
      const identityDeps = { ...deps, records: place.records, store };
      return { store, identity: await openBrokerIdentity(options, identityDeps, stopping.signal) };
    }),
  );
  const [one, other] = opened.map(({ identity }) => must(identity));
  const [store, otherStore] = opened.map((replica) => replica.store);
  if (one === undefined || other === undefined) throw new Error("two replicas");
  if (store === undefined || otherStore === undefined) throw new Error("two stores");
  // Of both that began at once exactly one made it.
  expect(other.authorities.signing.fingerprint).toBe(one.authorities.signing.fingerprint);
  const [place] = places;
  if (place === undefined) throw new Error("a place");
  must(await issueToken(place, { clusterId: "b", brokerAddress: "hub:7600" }, deps));
  const member = { cluster: a, incarnation: 1, joinedAtMs: 5, certificateSerial: "ab" };
  must(await store.putMember(member));
  // So many that the log is folded: items are replaced and removed.
  for (let sequence = 1; sequence <= 80; sequence++) {
    must(await store.append([aRow(sequence, `row-${sequence % 5}`)]));
  }
  const nowMs = systemClock.nowMs();
  const needs = { certificateLifeMs: 1000, lastCertificateMs: nowMs, lastTokenMs: nowMs };
  must(await one.authorities.rotate(needs));
  must(await other.authorities.look());
  expect(other.authorities.trusted).toHaveLength(2);
  must(await other.revocations.revoke("a", "freeze"));
  must(await one.revocations.revoke("a", "withdraw"));

  const secrets = await texts(secretObjects.resource, secretObjects.dataOf);
  const holdKeys = [...secrets].filter(([, text]) => text.includes("PRIVATE KEY"));
  expect(holdKeys.map(([name]) => name)).toEqual([expect.stringMatching(/authority/)]);
  const rows = await texts(recordObjects.resource, recordObjects.dataOf);
  expect(rows.size).toBeGreaterThan(2);
  for (const text of rows.values()) expect(text).not.toMatch(/PRIVATE KEY|isthmus-join/);
  // Tokens are kept hashed: none can be taken from there.
  for (const text of secrets.values()) expect(text).not.toContain("isthmus-join");
  stopping.abort();
  await Promise.all([store.close(), otherStore.close()]);
});

test("the shipped role grants what a broker asks for, and nothing more (SEC-08)", async () => {
  const calls = callsIn(await meter.text());
  const role = ["hub/10-broker.yaml", "isthmus:broker"] as const;
  expect(unused(...role, calls)).toEqual([]);
  expect(unlawful(...role, calls)).toEqual([]);
});
