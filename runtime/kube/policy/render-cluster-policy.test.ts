import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { KubeObject } from "../../../api/kube/object.ts";
import { LABEL_MANAGED_BY, LABEL_SERVICE_NAME, MANAGED_BY } from "../../../api/mcs/labels.ts";
import { resourceOf } from "./apply-manifests.ts";
import { readClusterPolicy } from "./read-cluster-policy.ts";
import { type PolicyNames, renderClusterPolicy, SHIPPED_NAMES } from "./render-cluster-policy.ts";

const TEXTS = readClusterPolicy(
  fileURLToPath(new URL("../../../api/cluster-policy", import.meta.url)),
);

function rendered(names: Partial<PolicyNames> = {}): readonly KubeObject[] {
  const objects = renderClusterPolicy(TEXTS, { ...SHIPPED_NAMES, ...names });
  if (!objects.ok) throw new Error(objects.error);
  return objects.value;
}

test("as shipped, every object is of a kind that can be applied and has a name of its own", () => {
  const objects = rendered();
  const names = objects.map(
    ({ kind, metadata }) => `${kind} ${metadata.namespace} ${metadata.name}`,
  );
  expect(new Set(names).size).toBe(objects.length);
  for (const object of objects) {
    expect(resourceOf(object).namespaced).toBe(object.metadata.namespace !== undefined);
  }
});

test("other names stand wherever the shipped ones stood", () => {
  const text = JSON.stringify(
    rendered({
      namespace: "mesh",
      controllersServiceAccount: "one",
      dnsServiceAccount: "two",
      proxyServiceAccount: "three",
      gatewayServiceAccount: "four",
      nodeAgentServiceAccount: "five",
    }),
  );
  expect(text).not.toMatch(/isthmus-(system|controllers|dns|proxy|gateway|node-agent)/);
  expect(text).toContain('{"kind":"ServiceAccount","namespace":"mesh","name":"one"}');
  expect(text).toContain('{"kind":"ServiceAccount","namespace":"mesh","name":"two"}');
  expect(text).toContain('{"kind":"ServiceAccount","namespace":"mesh","name":"three"}');
  expect(text).toContain('{"kind":"ServiceAccount","namespace":"mesh","name":"four"}');
  expect(text).toContain('{"kind":"ServiceAccount","namespace":"mesh","name":"five"}');
  expect(text).toContain("system:serviceaccount:mesh:one");
});

test("every policy knows its writers; a user's name cannot end the expression", () => {
  const policies = rendered({ otherWriters: ['a"] + ["b', "c'd"] }).filter(
    ({ kind }) => kind === "ValidatingAdmissionPolicy",
  );
  expect(policies).toHaveLength(4);
  for (const policy of policies) {
    expect(policy).toMatchObject({
      spec: {
        variables: expect.arrayContaining([
          {
            name: "writers",
            expression: String.raw`["system:serviceaccount:isthmus-system:isthmus-controllers", "a\"] + [\"b", "c'd"]`,
          },
        ]),
      },
    });
  }
});

test.each([
  { bad: { namespace: "Not_A_Name" }, rule: "lower-case RFC 1123 DNS label" },
  { bad: { dnsServiceAccount: "" }, rule: "lower-case RFC 1123 DNS label" },
  { bad: { proxyServiceAccount: "a b" }, rule: "lower-case RFC 1123 DNS label" },
  { bad: { nodeAgentServiceAccount: "-" }, rule: "lower-case RFC 1123 DNS label" },
  { bad: { otherWriters: [""] }, rule: 'must have 1 to 512 bytes: got ""' },
])("$bad is refused", ({ bad, rule }) => {
  const refused = renderClusterPolicy(TEXTS, { ...SHIPPED_NAMES, ...bad });
  expect(refused).toEqual({ ok: false, error: expect.stringContaining(rule) });
});

test("users may export and look, nobody is given a verb that writes imports (SEC-01, SEC-02)", () => {
  const roles = rendered().filter(({ metadata }) =>
    Object.keys(metadata.labels ?? {}).some((label) => label.includes("aggregate-to-")),
  );
  const rules = roles.flatMap((role) => ("rules" in role ? (role.rules as readonly Rule[]) : []));
  const verbs = (resource: string): readonly string[] =>
    rules.flatMap((rule) => (rule.resources.includes(resource) ? rule.verbs : [])).toSorted();
  expect(verbs("serviceimports")).toEqual(["get", "list", "watch"]);
  expect(verbs("serviceexports")).toEqual(
    ["create", "update", "patch", "delete", "deletecollection", "get", "list", "watch"].toSorted(),
  );
  expect(roles.map(({ metadata }) => metadata.name)).toEqual(["isthmus:edit", "isthmus:view"]);
});

test("all Pods are read by gateways alone, who tell clients of slices apart, unless an admin says so", () => {
  const mayReadPods = rendered().filter((object) =>
    ("rules" in object ? (object.rules as readonly Rule[]) : []).some(({ resources }) =>
      resources.includes("pods"),
    ),
  );
  expect(mayReadPods.map(({ metadata }) => metadata.name).toSorted()).toEqual([
    "isthmus:gateway",
    "isthmus:proxy-client-namespaces",
  ]);
  const bound = rendered().filter((object) => "roleRef" in object);
  expect(JSON.stringify(bound)).toContain('"name":"isthmus:proxy"');
  expect(JSON.stringify(bound)).not.toContain("isthmus:proxy-client-namespaces");
});

test.each([
  {
    role: "isthmus:gateway",
    account: "isthmus-gateway",
    mayRead: [
      "endpointslices",
      "membernetworks",
      "nodes",
      "pathreports",
      "peers",
      "pods",
      "slices",
    ],
    mayWrite: ["pathreports"],
  },
  {
    role: "isthmus:node-agent",
    account: "isthmus-node-agent",
    mayRead: ["membernetworks", "nodes", "pathreports", "peers"],
    mayWrite: [],
  },
])("$role reads what it goes by and writes nothing but its report (SEC-08)", (expected) => {
  const { role, account, mayRead, mayWrite } = expected;
  const objects = rendered().filter(({ metadata }) => metadata.name === role);
  const rules = objects.flatMap((object) =>
    "rules" in object ? (object.rules as readonly Rule[]) : [],
  );
  const withVerbs = (verbs: readonly string[]): readonly string[] =>
    rules
      .filter((rule) => rule.verbs.join() === verbs.join())
      .flatMap(({ resources }) => resources)
      .toSorted();
  expect(withVerbs(["list", "watch"])).toEqual(mayRead);
  expect(withVerbs(["create", "patch"])).toEqual(mayWrite);
  expect(new Set(rules.flatMap(({ resources }) => resources))).toEqual(
    new Set([...mayRead, ...mayWrite]),
  );
  expect(objects).toContainEqual(
    expect.objectContaining({
      kind: "ClusterRoleBinding",
      subjects: [{ kind: "ServiceAccount", namespace: "isthmus-system", name: account }],
    }),
  );
});

test("the policy on labels names the labels that the code gives (SEC-03)", () => {
  const policy = rendered().find(({ metadata }) => metadata.name === "isthmus-reserved-labels");
  const text = JSON.stringify(policy);
  expect(LABEL_SERVICE_NAME.startsWith("multicluster.kubernetes.io/")).toBe(true);
  for (const part of [
    "'multicluster.kubernetes.io/'",
    `'${LABEL_MANAGED_BY}'`,
    `'${MANAGED_BY}'`,
  ]) {
    expect(text).toContain(part);
  }
});

interface Rule {
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}
