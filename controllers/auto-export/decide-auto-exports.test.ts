import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Namespace } from "../../api/kube/namespace.ts";
import { parseLabelSelector } from "../../api/kube/selector/label-selector.ts";
import type { Service } from "../../api/kube/service.ts";
import type { ServiceExport } from "../../api/mcs/service-export.ts";
import { parseNamespacePattern } from "../../api/policy/namespace-rules.ts";
import { objectKey } from "../../runtime/kube/object-view.ts";
import type { AutoExportRules } from "../policy/member-policy.ts";
import {
  type AutoExports,
  type AutoExportWorld,
  decideAutoExports,
} from "./decide-auto-exports.ts";

const LABEL = { "isthmus.dev/auto-export": "true" };
const OURS = { "isthmus.dev/managed-by": "isthmus.dev" };

function selector(text: string): AutoExportRules["services"] {
  const parsed = parseLabelSelector(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

const RULES: AutoExportRules = {
  services: selector("isthmus.dev/auto-export=true"),
  perNamespace: 20,
  perCluster: 200,
};

function namespace(name: string, fields: Partial<Namespace["metadata"]> = {}): Namespace {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, ...fields } };
}

function service(key: string, fields: Partial<Service["metadata"]> = {}): Service {
  const [namespaceName = "", name = ""] = key.split("/");
  const metadata = { namespace: namespaceName, name, labels: LABEL, ...fields };
  return { apiVersion: "v1", kind: "Service", metadata, spec: { type: "ClusterIP" } };
}

function anExport(key: string, labels: Readonly<Record<string, string>> = {}): ServiceExport {
  const [namespaceName = "", name = ""] = key.split("/");
  const apiVersion = "multicluster.x-k8s.io/v1beta1";
  return {
    apiVersion,
    kind: "ServiceExport",
    metadata: { namespace: namespaceName, name, labels },
  };
}

function world(fields: Partial<AutoExportWorld> = {}): AutoExportWorld {
  return {
    rules: RULES,
    scope: { rules: { allow: [], deny: [] } },
    namespaces: [namespace("shop"), namespace("bank")],
    services: [service("shop/web")],
    exports: [],
    ...fields,
  };
}

const keys = (objects: readonly { readonly metadata: Service["metadata"] }[]): string[] =>
  objects.map((object) => objectKey({ apiVersion: "", kind: "", ...object }));

function shown({ chosen, missing, leftOut, byUsers, obsolete }: AutoExports) {
  return {
    chosen: keys(chosen),
    missing: keys(missing),
    leftOut: leftOut.map(({ service: one, quota }) => `${objectKey(one)} ${quota}`),
    byUsers: keys(byUsers),
    obsolete: keys(obsolete),
  };
}

const NOTHING = { chosen: [], missing: [], leftOut: [], byUsers: [], obsolete: [] };

describe("which Services are exported by their labels", () => {
  const denied = parseNamespacePattern("shop");
  test.each<{ readonly name: string; readonly fields: Partial<AutoExportWorld> }>([
    { name: "without the label", fields: { services: [service("shop/web", { labels: {} })] } },
    {
      name: "with another value",
      fields: { services: [service("shop/web", { labels: { "isthmus.dev/auto-export": "no" } })] },
    },
    {
      name: "that opts out",
      fields: {
        services: [service("shop/web", { annotations: { "isthmus.dev/auto-export": "false" } })],
      },
    },
    {
      name: "whose namespace opts out",
      fields: {
        namespaces: [namespace("shop", { annotations: { "isthmus.dev/auto-export": "false" } })],
      },
    },
    {
      name: "in a namespace that policy denies",
      fields: { scope: { rules: { allow: [], deny: denied.ok ? [denied.value] : [] } } },
    },
    {
      name: "in a namespace of the system, though policy allows it",
      fields: { namespaces: [namespace("kube-system")], services: [service("kube-system/dns")] },
    },
    {
      name: "that is the API server's",
      fields: { namespaces: [namespace("default")], services: [service("default/kubernetes")] },
    },
    {
      name: "that is part of Isthmus",
      fields: {
        services: [
          service("shop/web", { labels: { ...LABEL, "app.kubernetes.io/part-of": "isthmus" } }),
        ],
      },
    },
    {
      name: "derived from an import",
      fields: { services: [service("shop/web", { labels: { ...LABEL, ...OURS } })] },
    },
    {
      name: "of type ExternalName",
      fields: { services: [{ ...service("shop/web"), spec: { type: "ExternalName" } }] },
    },
    {
      name: "in a namespace that ends",
      fields: { namespaces: [namespace("shop", { deletionTimestamp: "2026-01-01T00:00:00Z" })] },
    },
    { name: "in a namespace that is not known", fields: { namespaces: [] } },
    {
      name: "in a namespace without the labels that are asked for",
      fields: { rules: { ...RULES, namespaces: selector("team=shop") } },
    },
  ])("none $name", ({ fields }) => {
    expect(shown(decideAutoExports(world(fields)))).toEqual(NOTHING);
    // What was exported before ends with it.
    const exports = [...(fields.services ?? world().services)].map((one) =>
      anExport(objectKey(one), OURS),
    );
    expect(keys(decideAutoExports(world({ ...fields, exports })).obsolete)).toEqual(
      exports.map(objectKey),
    );
  });

  test("an export that somebody wrote is his: neither made, nor removed, nor counted", () => {
    const rules = { ...RULES, perCluster: 1 };
    const services = [service("shop/web"), service("shop/api")];
    const exports = [anExport("shop/web"), anExport("bank/other")];
    expect(shown(decideAutoExports(world({ rules, services, exports })))).toEqual({
      ...NOTHING,
      ...{ chosen: ["shop/api"], missing: ["shop/api"], byUsers: ["shop/web"] },
    });
  });

  test("above a quota the oldest stay, ties by name, and what is exported keeps its place", () => {
    const at = (day: number) => ({ creationTimestamp: `2026-01-0${day}T00:00:00Z` });
    const services = [
      service("shop/c", at(1)),
      service("shop/b", at(2)),
      service("shop/a", at(2)),
      service("bank/z", at(3)),
      service("bank/y", at(4)),
    ];
    const rules = { ...RULES, perNamespace: 2, perCluster: 3 };
    expect(shown(decideAutoExports(world({ rules, services })))).toEqual({
      ...NOTHING,
      chosen: ["shop/c", "shop/a", "bank/z"],
      missing: ["shop/c", "shop/a", "bank/z"],
      leftOut: ["shop/b namespace", "bank/y cluster"],
    });
    const exports = [anExport("bank/y", OURS), anExport("shop/b", OURS)];
    expect(shown(decideAutoExports(world({ rules, services, exports })))).toEqual({
      ...NOTHING,
      chosen: ["shop/b", "bank/y", "shop/c"],
      missing: ["shop/c"],
      leftOut: ["shop/a namespace", "bank/z cluster"],
    });
  });
});

describe("laws", () => {
  const names = ["shop", "bank", "kube-system"];
  const arbitraryKey = fc
    .tuple(fc.constantFrom(...names), fc.integer({ min: 0, max: 9 }))
    .map(([name, index]) => `${name}/s${index}`);
  const arbitraryService = fc
    .tuple(arbitraryKey, fc.boolean(), fc.integer({ min: 1, max: 9 }), fc.boolean())
    .map(([key, isLabelled, day, optsOut]) =>
      service(key, {
        labels: isLabelled ? LABEL : {},
        creationTimestamp: `2026-01-0${day}T00:00:00Z`,
        ...(optsOut ? { annotations: { "isthmus.dev/auto-export": "false" } } : {}),
      }),
    );
  const arbitraryExport = fc
    .tuple(arbitraryKey, fc.boolean())
    .map(([key, isOurs]) => anExport(key, isOurs ? OURS : {}));
  const arbitraryWorld = fc.record({
    rules: fc.record({
      services: fc.constantFrom(RULES.services, selector("")),
      perNamespace: fc.integer({ min: 0, max: 5 }),
      perCluster: fc.integer({ min: 0, max: 8 }),
    }),
    scope: fc.constant({ rules: { allow: [], deny: [] } }),
    namespaces: fc.constant(names.map((name) => namespace(name))),
    services: fc.uniqueArray(arbitraryService, { selector: objectKey, maxLength: 30 }),
    exports: fc.uniqueArray(arbitraryExport, { selector: objectKey, maxLength: 20 }),
  });
  type Arbitrary = typeof arbitraryWorld extends fc.Arbitrary<infer T> ? T : never;

  /** The world once the decision has been carried out. */
  function after(before: Arbitrary, { missing, obsolete }: AutoExports): Arbitrary {
    const gone = new Set<ServiceExport>(obsolete);
    const made = missing.map((one) => anExport(objectKey(one), OURS));
    return { ...before, exports: [...before.exports.filter((one) => !gone.has(one)), ...made] };
  }

  test("the quotas hold, and nobody's export is touched", () => {
    fc.assert(
      fc.property(arbitraryWorld, (before) => {
        const decided = decideAutoExports(before);
        const { exports } = after(before, decided);
        const ours = exports.filter(({ metadata }) => metadata.labels === OURS);
        expect(ours.length).toBeLessThanOrEqual(before.rules.perCluster);
        for (const name of names) {
          const inIt = ours.filter(({ metadata }) => metadata.namespace === name);
          expect(inIt.length).toBeLessThanOrEqual(before.rules.perNamespace);
        }
        const users = before.exports.filter(({ metadata }) => metadata.labels !== OURS);
        expect(exports.filter(({ metadata }) => metadata.labels !== OURS)).toEqual(users);
      }),
    );
  });

  test("carried out, it asks for nothing more, and chooses the same (I9)", () => {
    fc.assert(
      fc.property(arbitraryWorld, (before) => {
        const decided = decideAutoExports(before);
        const again = decideAutoExports(after(before, decided));
        expect(again).toMatchObject({ missing: [], obsolete: [] });
        expect(keys(again.chosen).toSorted()).toEqual(keys(decided.chosen).toSorted());
        expect(shown(again).leftOut.toSorted()).toEqual(shown(decided).leftOut.toSorted());
      }),
    );
  });

  test("the order in which things are looked at does not matter", () => {
    fc.assert(
      fc.property(arbitraryWorld, (before) => {
        const turned = { ...before, services: before.services.toReversed() };
        expect(shown(decideAutoExports(turned)).chosen).toEqual(
          shown(decideAutoExports(before)).chosen,
        );
      }),
    );
  });

  test("one more Service takes no export away", () => {
    fc.assert(
      fc.property(arbitraryWorld, arbitraryService, (before, more) => {
        const settled = after(before, decideAutoExports(before));
        if (settled.services.some((one) => objectKey(one) === objectKey(more))) return;
        const services = [...settled.services, more];
        expect(decideAutoExports({ ...settled, services }).obsolete).toEqual([]);
      }),
    );
  });

  test("what matches is chosen, left out, or somebody's own", () => {
    fc.assert(
      fc.property(arbitraryWorld, (before) => {
        const { chosen, leftOut, byUsers } = shown(decideAutoExports(before));
        const told = [...chosen, ...leftOut.map((one) => one.split(" ")[0] ?? ""), ...byUsers];
        const all = { ...before.rules, perNamespace: 1000, perCluster: 1000 };
        const unbounded = shown(decideAutoExports({ ...before, rules: all }));
        expect(told.toSorted()).toEqual([...unbounded.chosen, ...unbounded.byUsers].toSorted());
      }),
    );
  });
});
