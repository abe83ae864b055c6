import * as fc from "fast-check";
import { expect, test } from "vitest";
import { ipFromBytes, ipToBytes } from "./address-bytes.ts";

test.each([
  { family: "IPv4", bits: 32n, bytes: 4 },
  { family: "IPv6", bits: 128n, bytes: 16 },
] as const)("any $family address is $bytes bytes, and survives them", ({ family, bits, bytes }) => {
  fc.assert(
    fc.property(fc.bigInt(0n, (1n << bits) - 1n), (value) => {
      const written = ipToBytes({ family, value });
      expect(written).toHaveLength(bytes);
      expect(ipFromBytes(written)).toEqual({ family, value });
    }),
  );
});
