import { describe, expect, test } from "vitest";
import type { ExportRow } from "../../api/broker/row.ts";
import { decodeRowBytes } from "../../broker/wire/decode-row.ts";
import { encodeRowBytes } from "../../broker/wire/encode-row.ts";
import { mergeExports } from "../../controllers/merge/merge-exports.ts";
import { anExport } from "../../controllers/testing/builders.ts";

/** Field 100, a string, as a protobuf writer of a later version would add it. */
const UNKNOWN_FIELD = Buffer.from([0xa2, 0x06, 0x03, 0x6e, 0x65, 0x77]);

describe("VER-08: peers of other versions", () => {
  test("fields of a row that are not known here are skipped", () => {
    const row = anExport({ cluster: "a" });
    const bytes = Buffer.concat([encodeRowBytes(row), UNKNOWN_FIELD]);
    expect(decodeRowBytes(row.cluster, bytes)).toEqual({ ok: true, value: row });
  });

  test("an older peer that names no families disagrees with nobody", () => {
    const ours: ExportRow = anExport({ cluster: "a", createdAtMs: 1, ipFamilies: ["IPv6"] });
    const theirs: ExportRow = anExport({ cluster: "b", createdAtMs: 2, ipFamilies: [] });
    const merged = mergeExports([ours, theirs]);
    expect(merged?.ipFamilies).toEqual(["IPv6"]);
    expect(merged?.conflicts).toEqual([]);
  });
});
