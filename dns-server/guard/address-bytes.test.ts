import { encode } from "dns-packet";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parseIpAddress } from "../zone/ip-address.ts";
import { writeAddress } from "./address-bytes.ts";

function bytesOf(text: string): string {
  const into = Buffer.alloc(16);
  return into.subarray(0, writeAddress(text, into, 0)).toString("hex");
}

test.each([
  { text: "192.0.2.1", want: "c0000201" },
  { text: "::ffff:192.0.2.1", want: "c0000201" },
  { text: "::", want: "00000000000000000000000000000000" },
  { text: "::1", want: "00000000000000000000000000000001" },
  { text: "fe80::1%eth0", want: "fe800000000000000000000000000001" },
  { text: "64:ff9b::192.0.2.33", want: "0064ff9b0000000000000000c0000221" },
])("$text is $want", ({ text, want }) => {
  expect(bytesOf(text)).toBe(want);
});

test("any address is what dns-packet makes of it", () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (drawn) => {
      // In the form that sockets give; dns-packet misreads rarer ones.
      const text = parseIpAddress(drawn)?.text ?? "";
      const type = text.includes(":") ? "AAAA" : "A";
      const record = encode({ answers: [{ name: ".", type, data: text }] });
      expect(bytesOf(text)).toBe(record.subarray(23).toString("hex"));
    }),
  );
});
