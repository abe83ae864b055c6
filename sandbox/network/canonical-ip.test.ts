import { expect, test } from "vitest";
import { canonicalIp } from "./canonical-ip.ts";

test.each([
  ["10.1.2.3", "10.1.2.3"],
  ["fd00:0:0:0:0:0:0:1", "fd00::1"],
  ["FD00::00A1", "fd00::a1"],
  ["::", "::"],
  ["::ffff:10.0.0.1", "::ffff:a00:1"],
  ["fe80::1%eth0", undefined],
  ["010.1.1.1", undefined],
  ["10.1.1", undefined],
  ["", undefined],
])("%s -> %s", (given, want) => {
  expect(canonicalIp(given)).toBe(want);
});
