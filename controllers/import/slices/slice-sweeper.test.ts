import { expect, test } from "vitest";
import { err, ok, type Result } from "../../../api/result.ts";
import { type ServiceKey, serviceKey } from "../../../api/service-key.ts";
import type { CollectionQuery, KubeClient } from "../../../runtime/kube/kube-client.ts";
import type { KubeError } from "../../../runtime/kube/kube-error.ts";
import { silentLogger as log } from "../../../runtime/log/silent-log.ts";
import { clusterId } from "../../testing/builders.ts";
import type { SliceSweep } from "./plan-sweeps.ts";
import { SliceSweeper } from "./slice-sweeper.ts";

const EAST = clusterId("east");
const FORBIDDEN: KubeError = { kind: "forbidden", status: 403, message: "no" };

function sweepOf(namespace: string, ...names: readonly string[]): SliceSweep {
  return { namespace, cluster: EAST, services: names.map((name) => serviceKey(namespace, name)) };
}

/** Requests wait until they are answered by the test. */
function sweeper(isLost: (service: ServiceKey) => boolean = () => true) {
  const asked: { query: CollectionQuery; answer: (answer: Result<void, KubeError>) => void }[] = [];
  const left: ServiceKey[] = [];
  const deleteCollection: KubeClient["deleteCollection"] = (_resource, query) =>
    new Promise((answer) => void asked.push({ query, answer }));
  const subject = new SliceSweeper({
    client: { deleteCollection },
    isLost: (_cluster, service) => isLost(service),
    onLeft: (services) => void left.push(...services),
    log,
  });
  return { subject, asked, left };
}

/** Whatever was answered has been taken in. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("one request has the slices of ours, of that cluster and of those services (I3)", async () => {
  const { subject, asked, left } = sweeper();
  subject.sweep([sweepOf("shop", "a", "b")]);
  await settled();
  expect(asked.map(({ query }) => query)).toEqual([
    {
      namespace: "shop",
      labelSelector:
        "isthmus.dev/managed-by=isthmus.dev,multicluster.kubernetes.io/source-cluster=east," +
        "multicluster.kubernetes.io/service-name in (a,b)",
    },
  ]);
  expect(subject.idle).toBe(false);
  asked[0]?.answer(ok(undefined));
  await subject.stopped();
  expect([subject.idle, left]).toEqual([true, []]);
});

test("eight requests at once, the others follow; after a stop no more", async () => {
  const { subject, asked } = sweeper();
  subject.sweep(Array.from({ length: 20 }, (_, at) => sweepOf(`n${at}`, "a")));
  await settled();
  expect(asked.length).toBe(8);
  asked[3]?.answer(ok(undefined));
  await settled();
  expect(asked.length).toBe(9);
  subject.sweep([sweepOf("late", "a")]);
  await settled();
  expect(asked.length).toBe(9);
  subject.stop();
  for (const { answer } of asked) answer(ok(undefined));
  await subject.stopped();
  expect(asked.length).toBe(9);
});

test("services of a request that failed are told, and the next goes on", async () => {
  const { subject, asked, left } = sweeper();
  subject.sweep([sweepOf("shop", "a", "b")]);
  await settled();
  asked[0]?.answer(err(FORBIDDEN));
  await subject.stopped();
  expect(left).toEqual(["shop/a", "shop/b"]);
  subject.sweep([sweepOf("dev", "a")]);
  await settled();
  expect(asked[1]?.query.namespace).toBe("dev");
  asked[1]?.answer(ok(undefined));
  await subject.stopped();
});

test("who is back before its turn keeps its slices", async () => {
  const { subject, asked } = sweeper((service) => service !== "shop/a");
  subject.sweep([sweepOf("shop", "a", "b"), sweepOf("shop", "a")]);
  await settled();
  expect(asked.map(({ query }) => query.labelSelector)).toEqual([
    expect.stringMatching(/ in \(b\)$/),
  ]);
  asked[0]?.answer(ok(undefined));
  await subject.stopped();
});
