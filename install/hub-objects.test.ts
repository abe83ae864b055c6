import { expect, test } from "vitest";
import { readSettings } from "../runtime/config/settings.ts";
import { hubObjects } from "./hub-objects.ts";
import { hubSettings } from "./hub-settings.ts";
import {
  containerOf,
  findObject,
  NO_WATCH,
  namesOf,
  shippedTexts,
} from "./testing/find-objects.ts";

function hub(flags: Readonly<Record<string, unknown>> = {}) {
  const settings = readSettings(hubSettings, { flags, file: undefined });
  if (!settings.ok) throw new Error(settings.error);
  const objects = hubObjects(settings.value, shippedTexts("hub"), NO_WATCH);
  if (!objects.ok) throw new Error(objects.error);
  return objects.value;
}

test("a hub is a broker over its API server, with what it may do and what may reach it", () => {
  expect(namesOf(hub())).toEqual([
    "Namespace isthmus-system",
    "ServiceAccount isthmus-broker",
    "Role isthmus:broker",
    "RoleBinding isthmus:broker",
    "NetworkPolicy isthmus-broker",
    "Service isthmus-broker",
    "Deployment isthmus-broker",
    "PodDisruptionBudget isthmus-broker",
  ]);
  const { args } = containerOf(hub(), "isthmus-broker");
  expect(args).toContain("--store=kubernetes");
  expect(args).toContain("--store-namespace=isthmus-system");
});

test("one replica has no budget, which would keep its node from ever being drained", () => {
  expect(findObject(hub({ replicas: "1" }), "PodDisruptionBudget")).toBeUndefined();
});

test("another namespace stands everywhere", () => {
  const objects = hub({ namespace: "mesh" });
  expect(JSON.stringify(objects)).not.toContain("isthmus-system");
  const spaced = objects.filter(({ kind }) => kind !== "Namespace");
  expect(spaced.map(({ metadata }) => metadata.namespace)).toEqual(spaced.map(() => "mesh"));
});

test("an etcd's certificates are mounted where its flags say", () => {
  const flags = { store: "etcd", etcdEndpoints: ["https://etcd:2379"], etcdSecret: "etcd-client" };
  const { args, volumeMounts } = containerOf(hub(flags), "isthmus-broker");
  expect(args).toEqual(
    expect.arrayContaining([
      "--etcd-endpoints=https://etcd:2379",
      "--etcd-ca=/etc/isthmus/etcd/ca.crt",
    ]),
  );
  expect(args.some((arg) => arg.startsWith("--store-namespace"))).toBe(false);
  expect(volumeMounts).toContainEqual({
    name: "etcd",
    mountPath: "/etc/isthmus/etcd",
    readOnly: true,
  });
});

test.each([
  { flags: { namespace: "Bad_" }, rule: "must be a DNS label" },
  { flags: { replicas: "0" }, rule: "got" },
  { flags: { memoryLimit: "lots" }, rule: "must be a number of Mi or Gi" },
  { flags: { certificateLife: "a day" }, rule: "must be a number of ms, s, m or h" },
])("$flags is refused", ({ flags, rule }) => {
  const read = readSettings(hubSettings, { flags, file: undefined });
  expect(read.ok ? "" : read.error).toContain(rule);
});
