import { describe, expect, test } from "vitest";
import { type RowKey, rowKey } from "../../api/broker/row.ts";
import type { BrokerLink, LinkStatus } from "../../broker/client/broker-link.ts";
import { anExport, aServiceExport, someEndpoints } from "../testing/builders.ts";
import type { OwnExport } from "./derive-own-rows.ts";
import { exportConditions, publicationOf } from "./export-status.ts";

const row = anExport({ cluster: "a" });
const slice = someEndpoints({ cluster: "a", slice: "web-1" });
const own: OwnExport = { kind: "exported", row, endpoints: [slice] };
const CONNECTED: LinkStatus = { kind: "connected", synced: true, members: [] };

function aLink(facts: {
  readonly stored?: readonly RowKey[];
  readonly refused?: Readonly<Record<string, string>>;
  readonly status?: LinkStatus;
  readonly synced?: boolean;
}): Pick<BrokerLink, "refusal" | "isStored" | "status" | "hasSynced"> {
  return {
    refusal: (key) => facts.refused?.[key],
    isStored: (key) => facts.stored?.includes(key) === true,
    status: () => facts.status ?? CONNECTED,
    hasSynced: () => facts.synced ?? true,
  };
}

describe("publicationOf: how far the broker has taken an export (EXP-19, EXP-28)", () => {
  const stored = [rowKey(row), rowKey(slice)];
  const rejected: LinkStatus = { kind: "rejected", reason: "revoked" };

  test.each([
    { name: "stored", link: { stored }, want: { kind: "stored" } },
    { name: "on its way", link: {}, want: { kind: "pending" } },
    { name: "not heard yet", link: { synced: false }, want: { kind: "unknown" } },
    {
      name: "the export itself refused",
      link: { refused: { [rowKey(row)]: "bad label" } },
      want: { kind: "refused", reason: "bad label" },
    },
    {
      name: "one of its slices refused, though the export is stored",
      link: { stored: [rowKey(row)], refused: { [rowKey(slice)]: "address out of CIDR" } },
      want: { kind: "refused", reason: "EndpointSlice web-1: address out of CIDR" },
    },
    {
      name: "the cluster rejected",
      link: { status: rejected, synced: false },
      want: { kind: "refused", reason: "the broker rejects this cluster: revoked" },
    },
    {
      name: "the cluster rejected after the export was stored",
      link: { stored, status: rejected },
      want: { kind: "stored" },
    },
  ])("$name", ({ link, want }) => {
    expect(publicationOf(own, aLink(link))).toEqual(want);
  });
});

test("conditions of an earlier look keep the generation they were made for (EXP-21)", () => {
  const conditions = (["Valid", "Ready", "Conflict"] as const).map((type) => ({
    type,
    status: "True" as const,
    reason: { Valid: "Valid", Ready: "Exported", Conflict: "PortConflict" }[type],
    message: "m",
    lastTransitionTime: "2026-01-01T00:00:00Z",
    observedGeneration: 1,
  }));
  const { metadata, ...rest } = aServiceExport({ status: { conditions } });
  const changed = { ...rest, metadata: { ...metadata, generation: 2 } };
  const told = exportConditions(changed, own, {
    publication: { kind: "unknown" },
    conflicts: undefined,
    nowMs: Date.UTC(2026, 5, 1),
  });
  expect(told?.map(({ type, observedGeneration }) => [type, observedGeneration])).toEqual([
    ["Valid", 2],
    ["Ready", 1],
    ["Conflict", 1],
  ]);
});
