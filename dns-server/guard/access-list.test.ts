import { expect, test } from "vitest";
import { err } from "../../api/result.ts";
import { AccessList } from "./access-list.ts";

function listOf(...texts: readonly string[]): AccessList {
  const parsed = AccessList.parse("allow", texts);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

test.each([
  { rules: ["10.0.0.0/8"], address: "10.255.0.1", want: true },
  { rules: ["10.0.0.0/8"], address: "11.0.0.1", want: false },
  { rules: ["10.0.0.0/8"], address: "::ffff:10.1.2.3", want: true },
  { rules: ["10.0.0.7"], address: "10.0.0.7", want: true },
  { rules: ["10.0.0.7"], address: "10.0.0.8", want: false },
  { rules: ["fd00::/8"], address: "fdff::1", want: true },
  { rules: ["fd00::/8"], address: "fe80::1", want: false },
  { rules: ["fd00::1", "192.0.2.0/24"], address: "192.0.2.9", want: true },
  { rules: ["0.0.0.0/0"], address: "fd00::1", want: false },
  { rules: ["0.0.0.0/0"], address: "203.0.113.1", want: true },
  { rules: [], address: "203.0.113.1", want: false },
])("$rules and $address: $want", ({ rules, address, want }) => {
  expect(listOf(...rules).holds(address)).toBe(want);
});

test.each([
  "",
  "ten",
  "10.0.0.0/33",
  "10.0.0.0/",
  "10.0.0.0/8/8",
  "fd00::/129",
  "10.0.0.0/-1",
  "fe80::1%eth0",
])("%j is refused with the rule", (text) => {
  expect(AccessList.parse("allow", ["10.0.0.1", text])).toEqual(
    err(`cannot parse allow: must be an IP address or a CIDR block: got ${JSON.stringify(text)}`),
  );
});
