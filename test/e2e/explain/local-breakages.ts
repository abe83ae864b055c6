import type { ExplainedMember, ExplainWorld } from "./explain-world.ts";

/** One thing that is broken, where somebody looks, and what they must be told first. */
export interface Breakage {
  /** As the table of docs/explain.md names it. */
  readonly broken: string;
  /** Where it is asked: in the cluster that exports (member-1) or in the one that imports (member-2). */
  readonly from: "exporting" | "importing";
  readonly service: string;
  readonly to?: string;
  readonly check: string;
  readonly says: RegExp;
}

/** A breakage with a namespace of its own: all of them stand at once and do not touch each other. */
export interface LocalBreakage extends Breakage {
  readonly arrange: (world: ExplainWorld, members: Members) => Promise<void>;
}

interface Members {
  readonly a: ExplainedMember;
  readonly b: ExplainedMember;
}

const exported =
  (
    service: string,
    ...more: Parameters<ExplainWorld["service"]> extends [unknown, unknown, ...infer R] ? R : never
  ): LocalBreakage["arrange"] =>
  async (world, { a }) => {
    await world.namespace(service.split("/")[0] ?? "");
    await world.service(a, service, ...more);
    await world.export(a, service);
  };

export const LOCAL_BREAKAGES: readonly LocalBreakage[] = [
  {
    broken: "missing namespace",
    ...{
      from: "importing",
      service: "lonely/web",
      check: "namespace",
      says: /no namespace lonely/,
    },
    arrange: async (world, { a }) => {
      await world.namespace("lonely", [a]);
      await world.service(a, "lonely/web");
      await world.export(a, "lonely/web");
    },
  },
  {
    broken: "exports of the namespace denied by the member",
    ...{ from: "exporting", service: "closed/web", check: "policy", says: /"closed" denies it/ },
    arrange: exported("closed/web"),
  },
  {
    broken: "imports into the namespace denied by the member",
    ...{ from: "importing", service: "sealed/web", check: "policy", says: /"sealed" denies it/ },
    arrange: exported("sealed/web"),
  },
  {
    broken: "service absent",
    ...{
      from: "exporting",
      service: "absent/web",
      check: "service",
      says: /no Service absent\/web/,
    },
    arrange: async (world, { a }) => {
      await world.namespace("absent");
      await world.export(a, "absent/web");
    },
  },
  {
    broken: "ExternalName",
    ...{ from: "exporting", service: "outside/web", check: "service", says: /ExternalName/ },
    arrange: exported("outside/web", {
      type: "ExternalName",
      externalName: "example.org",
      ports: [],
    }),
  },
  {
    broken: "not exported",
    ...{ from: "exporting", service: "kept/web", check: "export", says: /not exported from here/ },
    arrange: async (world, { a }) => {
      await world.namespace("kept");
      await world.service(a, "kept/web");
    },
  },
  {
    broken: "exported by nobody, or not for this cluster",
    ...{ from: "importing", service: "kept/web", check: "export", says: /no cluster is known/ },
    arrange: async () => undefined,
  },
  {
    broken: "list of clusters that cannot be understood",
    ...{ from: "exporting", service: "garbled/web", check: "export", says: /InvalidExportTo/ },
    arrange: async (world, { a }) => {
      await world.namespace("garbled");
      await world.service(a, "garbled/web");
      await world.export(a, "garbled/web", { "isthmus.dev/export-to": "Member 2" });
    },
  },
  {
    broken: "export limited to other clusters",
    ...{ from: "exporting", service: "private/web", to: "member-2" },
    ...{ check: "audience", says: /for member-3 alone, not for member-2/ },
    arrange: async (world, { a }) => {
      await world.namespace("private");
      await world.service(a, "private/web");
      await world.export(a, "private/web", { "isthmus.dev/export-to": "member-3" });
    },
  },
  {
    broken: "no ready endpoint",
    ...{
      from: "exporting",
      service: "idle/web",
      check: "endpoints",
      says: /no ready endpoint here/,
    },
    arrange: exported("idle/web", {}, [
      { addresses: ["10.1.200.2"], conditions: { ready: false } },
    ]),
  },
  {
    broken: "no ready endpoint, seen from afar",
    ...{
      from: "importing",
      service: "idle/web",
      check: "slices",
      says: /no ready endpoint is offered/,
    },
    arrange: async () => undefined,
  },
  {
    broken: "quota of the hub",
    ...{ from: "exporting", service: "big/web", check: "broker row", says: /endpoints/ },
    arrange: exported(
      "big/web",
      {},
      Array.from({ length: 45 }, (_, at) => ({ addresses: [`10.1.201.${at + 1}`] })),
    ),
  },
  {
    broken: "slice that the cluster is not in",
    ...{ from: "exporting", service: "pay/web", check: "broker row", says: /must be of a slice/ },
    arrange: exported("pay/web"),
  },
  {
    broken: "somebody else's ServiceImport",
    ...{ from: "importing", service: "taken/web", check: "import", says: /not managed by Isthmus/ },
    arrange: async (world, { a, b }) => {
      await world.namespace("taken");
      await world.foreignImport(b, "taken/web");
      await world.service(a, "taken/web");
      await world.export(a, "taken/web");
    },
  },
  {
    broken: "clusterset IP missing: somebody else's Service has the derived one's name",
    ...{ from: "importing", service: "occupied/web", check: "import", says: /no clusterset IP/ },
    arrange: async (world, { a, b }) => {
      await world.namespace("occupied");
      await world.foreignDerivedService(b, "occupied/web");
      await world.service(a, "occupied/web");
      await world.export(a, "occupied/web");
    },
  },
  {
    broken: "conflicting port",
    ...{ from: "importing", service: "torn/web", check: "merge", says: /PortConflict/ },
    arrange: async (world, { a, b }) => {
      await world.namespace("torn");
      await world.service(a, "torn/web");
      await world.export(a, "torn/web");
      const ports = [{ name: "http", port: 81, targetPort: 8080 }];
      await world.service(b, "torn/web", { ports }, [{ addresses: ["10.2.200.1"] }]);
      await world.export(b, "torn/web");
    },
  },
  {
    broken: "blocked port",
    ...{
      from: "importing",
      service: "walled/web",
      check: "packets",
      says: /port 9999 of endpoint/,
    },
    arrange: async (world, { a }) => {
      await world.namespace("walled");
      await world.pods(a, "walled/web", 9999);
      await world.export(a, "walled/web");
    },
  },
];
