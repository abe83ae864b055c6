import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NO_NAMESPACE, rowKey } from "../../api/broker/row.ts";
import { encodeRow } from "./encode-row.ts";
import { namespaceOfRowKey, parseRowKey, rowKeyOfMessage } from "./parse-row-key.ts";
import { anyRow, testCluster } from "./row-arbitrary.ts";

describe("a row key", () => {
  test("of any row parses to itself, and tells its namespace", () => {
    fc.assert(
      fc.property(anyRow(testCluster("a")), (row) => {
        const key = rowKey(row);
        expect(parseRowKey(key)).toEqual({ ok: true, value: key });
        expect(rowKeyOfMessage(encodeRow(row))).toEqual({ ok: true, value: key });
        expect(namespaceOfRowKey(key)).toBe(row.kind === "network" ? NO_NAMESPACE : row.namespace);
      }),
    );
  });

  test.each([
    "",
    "export",
    "export/a",
    "export/a/b/c",
    "endpoints/a/b",
    "endpoints/a/b/c/d",
    "other/a/b",
    "export/A/b",
    "export/a/9b",
    "endpoints/a/b/",
    "endpoints/a/b/C",
    "export//b",
    "export/../b",
    "network",
    "network/",
    "network/a/b",
    "network///",
  ])("%j is refused", (text) => {
    expect(parseRowKey(text)).toMatchObject({ ok: false });
  });
});
