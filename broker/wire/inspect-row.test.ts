import * as fc from "fast-check";
import { expect, test } from "vitest";
import { encodeRowBytes } from "./encode-row.ts";
import { inspectRow } from "./inspect-row.ts";
import { anyRow, testCluster } from "./row-arbitrary.ts";

test("reads from the bytes what the row says", () => {
  fc.assert(
    fc.property(anyRow(testCluster("a")), (row) => {
      expect(inspectRow(encodeRowBytes(row))).toEqual({
        endpoints: row.kind === "endpoints" ? row.endpoints.length : 0,
        audience: row.kind === "network" ? undefined : row.audience && new Set(row.audience),
      });
    }),
  );
});

test("never throws, whatever the bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      expect(inspectRow(bytes).endpoints).toBeGreaterThanOrEqual(0);
    }),
    { numRuns: 2000 },
  );
});
