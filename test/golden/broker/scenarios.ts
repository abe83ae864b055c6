import type { EndpointsRow, ExportRow, ServiceRow } from "../../../api/broker/row.ts";
import { testCluster } from "../../../broker/wire/row-arbitrary.ts";
import { anEndpointsRow, anExportRow } from "../../../broker/wire/test-rows.ts";
import type { BrokerAct, MemberAct } from "./recording.ts";

export type Step =
  | { readonly member: string; readonly act: MemberAct }
  | { readonly broker: BrokerAct }
  | { readonly waitMs: number }
  /** Write down what every member knows now. It is at the end too. */
  | { readonly check: true };

export interface Scenario {
  readonly name: string;
  readonly steps: readonly Step[];
}

function exported(cluster: string, name: string, change: Partial<ExportRow> = {}): ExportRow {
  return anExportRow({ cluster: testCluster(cluster), name, ...change });
}

function slice(cluster: string, name: string, change: Partial<EndpointsRow> = {}): EndpointsRow {
  return anEndpointsRow({ cluster: testCluster(cluster), name, slice: `${name}-1`, ...change });
}

/** An address of the cluster: every one has the same network here. */
function at(last: number): Pick<EndpointsRow, "endpoints"> {
  const flags = { ready: true, serving: true, terminating: false };
  return { endpoints: [{ addresses: [`10.1.0.${last}`], ...flags }] };
}

function act(member: string, what: MemberAct): Step {
  return { member, act: what };
}

function rows(member: string, ...own: readonly ServiceRow[]): Step {
  const [first] = own;
  if (first === undefined) throw new Error("rows must be at least one");
  const service = `${first.namespace}/${first.name}`;
  return act(member, { do: "rows", service, rows: own });
}

function withdraw(member: string, service: string): Step {
  return act(member, { do: "rows", service, rows: [] });
}

function start(member: string, namespaces: readonly string[], incarnation = 1): readonly Step[] {
  return [
    act(member, { do: "start", incarnation, cidrs: ["10.1.0.0/16"] }),
    act(member, { do: "namespaces", names: namespaces }),
  ];
}

function complete(member: string): Step {
  return act(member, { do: "complete" });
}

function service(member: string, name: string, change: Partial<ServiceRow> = {}): Step {
  const { namespace = "shop" } = change;
  return rows(member, exported(member, name, { namespace }), slice(member, name, { namespace }));
}

const EAST = [...start("east", ["shop"]), service("east", "web"), complete("east")];

/** Whole sessions, each about one part of the protocol; together they hold every message of it. */
export const SCENARIOS: readonly Scenario[] = [
  {
    name: "first-sync",
    steps: [
      ...EAST,
      service("east", "cart"),
      ...start("west", ["shop", "pay"]),
      complete("west"),
      service("west", "card", { namespace: "pay" }),
      service("west", "web"),
    ],
  },
  {
    name: "subscriptions",
    steps: [
      ...EAST,
      service("east", "card", { namespace: "pay" }),
      service("east", "mail", { namespace: "post" }),
      ...start("west", ["shop"]),
      complete("west"),
      act("west", { do: "namespaces", names: ["shop", "pay"] }),
      { check: true },
      act("west", { do: "namespaces", names: ["post"] }),
      rows("east", exported("east", "card", { namespace: "pay", createdAtMs: 7 })),
      act("west", { do: "namespaces", names: ["post", "pay"] }),
    ],
  },
  {
    name: "writes",
    steps: [
      ...EAST,
      ...start("west", ["shop"]),
      complete("west"),
      rows("east", exported("east", "web"), slice("east", "web", at(9))),
      rows("east", exported("east", "web")),
      { check: true },
      // Outside the networks that the cluster announced: refused, and the older version of the row goes (SEC-06).
      rows(
        "east",
        exported("east", "web"),
        slice("east", "web", {
          endpoints: [{ addresses: ["10.9.0.1"], ready: true, serving: true, terminating: false }],
        }),
      ),
      service("east", "cart"),
      withdraw("east", "shop/web"),
      { waitMs: 11_000 },
    ],
  },
  {
    name: "resume",
    steps: [
      ...EAST,
      service("east", "cart"),
      ...start("west", ["shop"]),
      complete("west"),
      { broker: { do: "break", member: "west" } },
      rows("east", exported("east", "web"), slice("east", "web", at(7))),
      withdraw("east", "shop/cart"),
      { waitMs: 2000 },
      { check: true },
      // A member that restarts: its rows are at the broker, and only what differs is sent.
      act("east", { do: "stop" }),
      act("east", { do: "start", incarnation: 1, cidrs: ["10.1.0.0/16"] }),
      service("east", "mail"),
      rows("east", exported("east", "web"), slice("east", "web", at(7))),
      act("east", { do: "namespaces", names: ["shop"] }),
      complete("east"),
      { check: true },
      { broker: { do: "stop" } },
      { waitMs: 3000 },
      service("east", "late"),
      { broker: { do: "start" } },
      { waitMs: 15_000 },
    ],
  },
  {
    name: "lost-store",
    steps: [
      ...EAST,
      ...start("west", ["shop"]),
      service("west", "web"),
      complete("west"),
      { broker: { do: "lose-store" } },
      { check: true },
      { waitMs: 3000 },
      withdraw("west", "shop/web"),
    ],
  },
  {
    name: "lives",
    steps: [
      ...EAST,
      ...start("west", ["shop"]),
      complete("west"),
      act("east", { do: "stop" }),
      ...start("east", ["shop"], 2),
      service("east", "cart"),
      { check: true },
      complete("east"),
      { check: true },
      { broker: { do: "remove", member: "east" } },
      { waitMs: 1000 },
    ],
  },
  {
    name: "presence",
    steps: [
      ...EAST,
      ...start("west", ["shop"]),
      complete("west"),
      ...start("north", ["shop"]),
      { check: true },
      act("north", { do: "stop" }),
      { waitMs: 6000 },
      { check: true },
      act("east", { do: "stop" }),
      { broker: { do: "freeze", member: "east" } },
      { waitMs: 2000 },
      { check: true },
      { broker: { do: "remove", member: "north" } },
      { waitMs: 6000 },
    ],
  },
  {
    name: "audiences",
    steps: [
      ...EAST,
      ...start("west", ["shop"]),
      complete("west"),
      ...start("north", ["shop"]),
      complete("north"),
      rows("east", exported("east", "web", { audience: [testCluster("west")] })),
      { check: true },
      { broker: { do: "break", member: "north" } },
      rows("east", exported("east", "web", { audience: [testCluster("north")] })),
      { waitMs: 2000 },
      { check: true },
      rows("east", exported("east", "web")),
    ],
  },
  {
    name: "policy",
    steps: [
      ...EAST,
      service("east", "card", { namespace: "pay" }),
      ...start("west", ["shop", "pay"]),
      complete("west"),
      {
        broker: {
          do: "policy",
          document: [
            "clusters:",
            "  west: { import: { deny: [pay] } }",
            "  east: { export: { deny: [pay] }, maxExports: 1 }",
            "",
          ].join("\n"),
        },
      },
      { waitMs: 3000 },
      { check: true },
      service("east", "cart"),
      { check: true },
      withdraw("east", "shop/web"),
    ],
  },
  {
    name: "drain",
    steps: [
      ...EAST,
      ...start("west", ["shop"]),
      complete("west"),
      { broker: { do: "drain", withinMs: 4000 } },
      { waitMs: 1000 },
      service("east", "cart"),
      { waitMs: 4000 },
      { broker: { do: "stop" } },
      { broker: { do: "start" } },
      { waitMs: 20_000 },
    ],
  },
];
