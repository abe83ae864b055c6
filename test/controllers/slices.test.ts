import { expect, test } from "vitest";
import type { KubeObject } from "../../api/kube/object.ts";
import { LABEL_MANAGED_BY, MANAGED_BY } from "../../api/mcs/labels.ts";
import { SLICES } from "../../api/network/resources.ts";
import { MemoryBroker } from "../../broker/client/memory/memory-broker.ts";
import type { HubPolicy } from "../../broker/policy/cluster-policy.ts";
import { parsePolicy } from "../../broker/policy/parse-policy.ts";
import { SlicePublisher } from "../../controllers/slices/slice-publisher.ts";
import { Settable } from "../../runtime/config/settable.ts";
import { silentLogger as log } from "../../runtime/log/silent-log.ts";
import { silentMeter as meter } from "../../runtime/metrics/silent-meter.ts";
import { MemberWorld } from "./member-world.ts";

const signal = new AbortController().signal;
const PAY = "pay: {clusters: [a, b], namespaces: [shop], bandwidth: {ceiling: 20Mbit}}";

function policy(slices: string): HubPolicy {
  const parsed = parsePolicy(`slices: {${slices}}`);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

test("each cluster has the slices it is in as objects; what is changed or added by hand is put back; what the hub takes away goes", async () => {
  await using members = new MemberWorld();
  const { clock, random } = members;
  const decreed = new Settable(policy(PAY));
  const broker = new MemoryBroker({ policy: decreed, keepsSlices: () => true }, members);
  const stop = new AbortController();
  const clusters = [await members.cluster("a"), await members.cluster("c")] as const;
  for (const cluster of clusters) {
    const link = broker.link(cluster.id);
    link.setNamespaces(new Set());
    link.markOwnComplete();
    link.start(stop.signal);
    const publisher = new SlicePublisher({
      client: cluster.client,
      link,
      clock,
      random,
      log,
      meter,
    });
    void publisher.run(stop.signal);
  }
  await clock.advance(5000);
  const specs = async (at: 0 | 1): Promise<unknown[]> =>
    (await clusters[at].list<KubeObject>(SLICES)).map((object) => Reflect.get(object, "spec"));
  const pay = { clusters: ["a", "b"], namespaces: ["shop"], bandwidth: { ceiling: 20_000_000 } };
  expect(await specs(0)).toEqual([pay]);
  expect(await specs(1)).toEqual([]);

  const labels = { [LABEL_MANAGED_BY]: null };
  const widened = {
    metadata: { labels },
    spec: { namespaces: ["*"], podSelector: { matchLabels: { a: "b" } } },
  };
  await clusters[0].admin.mergePatch({ resource: SLICES, name: "pay" }, widened, { signal });
  await clock.advance(5000);
  expect(await specs(0)).toEqual([pay]);
  await clusters[1].create(SLICES, {
    apiVersion: "isthmus.dev/v1alpha1",
    kind: "Slice",
    metadata: { name: "pay", labels: { [LABEL_MANAGED_BY]: MANAGED_BY } },
    ...{ spec: pay },
  });
  await clock.advance(5000);
  expect(await specs(1)).toEqual([]);

  broker.stop();
  await clock.advance(60_000);
  expect(await specs(0)).toEqual([pay]);
  broker.start();
  decreed.set(policy(""));
  await clock.advance(60_000);
  expect(await specs(0)).toEqual([]);
  stop.abort();
  broker.stop();
  await clock.advance(6000);
});
