import { expect, test } from "vitest";
import { anExport, someEndpoints } from "../testing/builders.ts";
import { namesTooLong } from "./names-too-long.ts";

const LABEL = "x".repeat(63);
/** Bytes of a name with labels of 63 for cluster, service and namespace, without its hostname. */
const REST = 3 * 64 + ".svc.clusterset.local".length;

/** Length of the hostname, type of the service. */
function judged(hostname: string, type: "Headless" | "ClusterSetIP" = "Headless") {
  const where = { cluster: LABEL, namespace: LABEL, name: LABEL };
  const row = someEndpoints({ cluster: LABEL, endpoints: [{ address: "10.1.0.1", hostname }] });
  return namesTooLong({
    kind: "exported",
    row: anExport({ ...where, type }),
    endpoints: [{ ...row, namespace: LABEL, name: LABEL }],
  });
}

test.each([
  { name: "the longest that fits", hostname: "h".repeat(253 - REST), want: undefined },
  {
    name: "one byte more",
    hostname: "h".repeat(254 - REST),
    want: expect.stringContaining("must be at most 253 bytes"),
  },
])("$name (DNS-45)", ({ hostname, want }) => {
  expect(judged(hostname)).toEqual(want);
});

test("only headless services have names per endpoint", () => {
  expect(judged("h".repeat(63), "ClusterSetIP")).toBeUndefined();
  expect(judged("h".repeat(63))).toContain("has 276;");
  expect(namesTooLong({ kind: "none" })).toBeUndefined();
});
