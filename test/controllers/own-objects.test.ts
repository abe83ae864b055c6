import { expect, test } from "vitest";
import { SERVICES, type Service } from "../../api/kube/service.ts";
import { LABEL_MANAGED_BY, MANAGED_BY } from "../../api/mcs/labels.ts";
import { OwnObjects } from "../../controllers/reconcile/own-objects.ts";
import { MemberWorld } from "./member-world.ts";

const { signal } = new AbortController();

function aService(labels: Readonly<Record<string, string>>): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { namespace: "shop", name: "web", labels },
    spec: { ports: [{ port: 80 }] },
  };
}

test("an object replaced since it was seen is neither deleted nor changed (I3, section 17.1)", async () => {
  await using world = new MemberWorld();
  const cluster = await world.cluster("a");
  const objects = new OwnObjects(cluster.client);
  const seen = await cluster.create(SERVICES, aService({ [LABEL_MANAGED_BY]: MANAGED_BY }));
  await cluster.remove(SERVICES, "web");
  const theirs = await cluster.create(SERVICES, aService({}));
  expect(await objects.remove(SERVICES, seen, signal)).toMatchObject({
    error: { kind: "conflict" },
  });
  const patch = {
    metadata: { resourceVersion: seen.metadata.resourceVersion },
    spec: { selector: {} },
  };
  expect(await objects.patch(SERVICES, seen, { patch, signal })).toMatchObject({
    error: { kind: "conflict" },
  });
  expect(await cluster.find(SERVICES, "web")).toEqual(theirs);
});

test("creation never overwrites: ours is found when the view lags, somebody else's is told apart (I3)", async () => {
  await using world = new MemberWorld();
  const cluster = await world.cluster("a");
  const objects = new OwnObjects(cluster.client);
  const make = (): Service => aService({ [LABEL_MANAGED_BY]: MANAGED_BY });
  const first = await objects.ensure(SERVICES, undefined, { make, signal });
  expect(await objects.ensure(SERVICES, undefined, { make, signal })).toEqual(first);
  await cluster.remove(SERVICES, "web");
  const theirs = await cluster.create(SERVICES, aService({}));
  expect(await objects.ensure(SERVICES, undefined, { make, signal })).toEqual({
    ok: true,
    value: "foreign",
  });
  expect(await cluster.find(SERVICES, "web")).toEqual(theirs);
});
