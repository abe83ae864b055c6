import { expect, test } from "vitest";
import { ENDPOINT_SLICES } from "../../api/kube/endpoint-slice.ts";
import type { KubeObject, Resource } from "../../api/kube/object.ts";
import { SERVICES } from "../../api/kube/service.ts";
import { ANNOTATION_TRACED_WRITE } from "../../api/mcs/labels.ts";
import { serviceImports } from "../../api/mcs/service-import.ts";
import { ok } from "../../api/result.ts";
import type { KubeClient, ObjectRef } from "../../runtime/kube/kube-client.ts";
import { tracedClient } from "./traced-client.ts";

const { signal } = new AbortController();
const MARK = { [ANNOTATION_TRACED_WRITE]: "east/7" };

function world() {
  const written: object[] = [];
  const client = {
    create: (_: Resource, object: KubeObject) => {
      written.push(object);
      return Promise.resolve(ok(object));
    },
    mergePatch: (_: ObjectRef, patch: object) => {
      written.push(patch);
      return Promise.resolve(ok(patch));
    },
  } as unknown as KubeClient;
  return { written, traced: tracedClient(client, "east/7") };
}

const ref = (resource: Resource): ObjectRef => ({ resource, namespace: "shop", name: "web" });

test("imports and slices say which write they were changed for, beside what they say anyway", async () => {
  const { written, traced } = world();
  const metadata = { namespace: "shop", name: "web", annotations: { a: "b" } };
  const object = { apiVersion: "v1", kind: "X", metadata };
  await traced.create(ENDPOINT_SLICES, object, { signal });
  await traced.mergePatch(ref(serviceImports()), { spec: { x: 1 } }, { signal });
  await traced.mergePatch(
    ref(serviceImports("v1alpha1")),
    { metadata: { resourceVersion: "3" } },
    { signal },
  );
  expect(written).toEqual([
    { ...object, metadata: { ...metadata, annotations: { a: "b", ...MARK } } },
    { spec: { x: 1 }, metadata: { annotations: MARK } },
    { metadata: { resourceVersion: "3", annotations: MARK } },
  ]);
});

test("Services and statuses do not", async () => {
  const { written, traced } = world();
  const object = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { namespace: "shop", name: "web" },
  };
  await traced.create(SERVICES, object, { signal });
  const status = { status: { ips: [] } };
  await traced.mergePatch(ref(serviceImports()), status, { signal, subresource: "status" });
  expect(written).toEqual([object, status]);
});
