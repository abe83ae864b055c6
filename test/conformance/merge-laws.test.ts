import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { EndpointsRow, ExportRow, ServiceRow } from "../../api/broker/row.ts";
import type { IpFamily } from "../../api/kube/service.ts";
import { decodeRow } from "../../broker/wire/decode-row.ts";
import { encodeRow } from "../../broker/wire/encode-row.ts";
import { anyServiceRow, testCluster } from "../../broker/wire/row-arbitrary.ts";
import { mergeExports } from "../../controllers/merge/merge-exports.ts";
import { byPrecedence } from "../../controllers/merge/precedence.ts";
import { ImportBench } from "./import-bench.ts";

const CLUSTERS = ["a", "b", "c", "d-2"].map(testCluster);

interface Exported {
  readonly row: ExportRow;
  readonly endpoints: readonly EndpointsRow[];
}

/** Kubernetes has no Service with an address and no ports. */
function isPossible(row: ServiceRow): row is ExportRow {
  return row.kind === "export" && (row.type === "Headless" || row.ports.length > 0);
}

/** Whatever some clusters may legally say of one service: all that the broker takes and that a Service can be. */
const exported: fc.Arbitrary<readonly Exported[]> = fc
  .subarray(CLUSTERS, { minLength: 1 })
  .chain((clusters) =>
    fc.tuple(
      ...clusters.map((cluster) => {
        const row = anyServiceRow(cluster);
        const stamp = fc.constantFrom(1_000, 2_000);
        return fc.record({
          row: fc
            .tuple(row.filter(isPossible), stamp)
            .map(([one, createdAtMs]) => ({ ...one, name: "web", createdAtMs })),
          endpoints: fc
            .uniqueArray(
              row.filter((one): one is EndpointsRow => one.kind === "endpoints"),
              { maxLength: 3, selector: ({ slice }) => slice },
            )
            .map((list) => list.map((one) => ({ ...one, name: "web" }))),
        });
      }),
    ),
  );

function inNamespace(list: readonly Exported[], namespace: string): readonly Exported[] {
  return list.map(({ row, endpoints }) => ({
    row: { ...row, namespace },
    endpoints: endpoints.map((one) => ({ ...one, namespace })),
  }));
}

const FAMILIES: readonly (readonly IpFamily[])[] = [["IPv4"], ["IPv4", "IPv6"], ["IPv6"]];

describe.each(FAMILIES.map((families) => ({ families })))(
  "in a cluster of $families",
  ({ families }) => {
    test("what the merge of any legal exports asks for is accepted by the definitions and by Kubernetes' own validation, and a second pass has nothing to do", {
      timeout: 120_000,
    }, async () => {
      const bench = new ImportBench(families);
      await bench.install();
      await fc.assert(
        fc.asyncProperty(
          // One state after another: each diff starts from whatever was there before.
          fc.array(exported, { minLength: 1, maxLength: 3 }),
          async (states) => {
            const namespace = await bench.freshNamespace();
            for (const state of states) {
              const lists = inNamespace(state, namespace);
              const merged = mergeExports(lists.map(({ row }) => row));
              if (merged === undefined) throw new Error("somebody exports");
              const rows = lists.flatMap(({ endpoints }) => endpoints);
              const first = await bench.pass(merged, rows);
              expect(first.result).toMatchObject({ ok: true });
              if (state === states[0]) expect(first.writes.length).toBeGreaterThan(0);
              const second = await bench.pass(merged, rows);
              expect(second.result).toMatchObject({ ok: true });
              expect(second.writes).toEqual([]);
            }
          },
        ),
        { numRuns: 40 },
      );
    });
  },
);

test("the arbitrary exports are legal: the broker takes each", () => {
  const rows = exported.map((list) =>
    list.flatMap<ServiceRow>(({ row, endpoints }) => [row, ...endpoints]),
  );
  fc.assert(
    fc.property(rows, (list) => {
      for (const row of inNamespaceOf(list)) {
        expect(decodeRow(row.cluster, encodeRow(row))).toMatchObject({ ok: true });
      }
    }),
  );
});

function inNamespaceOf(rows: readonly ServiceRow[]): readonly ServiceRow[] {
  return rows.map((row) => ({ ...row, namespace: "shop" }));
}

test("precedence is total: of any two exports one is first, whoever is asked and in whatever order (CON-02, CON-03)", () => {
  fc.assert(
    fc.property(exported, (list) => {
      const rows = list.map(({ row }) => row);
      const ranked = byPrecedence(rows);
      expect(byPrecedence(rows.toReversed())).toEqual(ranked);
      for (const [index, row] of ranked.entries()) {
        for (const later of ranked.slice(index + 1)) {
          expect(byPrecedence([later, row])).toEqual([row, later]);
        }
      }
    }),
  );
});
