import { describe, expect, test } from "vitest";
import { doorOf, parseDoors } from "./pod-doors.ts";

describe("doors", () => {
  test("a pod's door has its last octet; others have none", () => {
    const doors = parseDoors("10.1.0.=127.40.3.");
    if (!doors.ok) throw new Error(doors.error);
    expect(doorOf("10.1.0.7", doors.value)).toBe("127.40.3.7");
    expect(doorOf("10.11.0.7", doors.value)).toBeUndefined();
  });

  test.each(["", "10.1.0.", "10.1.0=127.40.3.", "10.1.0.=10.2.0.", "10.1.0.=127.1.1.=x"])(
    "refused: %s",
    (text) => {
      const parsed = parseDoors(text);
      expect(parsed.ok ? "" : parsed.error).toMatch(/^doors must be .*: got "/);
    },
  );
});
