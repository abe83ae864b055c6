import { describe, expect, test } from "vitest";
import type { ServiceExport } from "../../api/mcs/service-export.ts";
import { aServiceExport } from "../testing/builders.ts";
import { exportAudience } from "./export-audience.ts";

function annotated(text: string | undefined): ServiceExport {
  const { metadata, ...rest } = aServiceExport();
  const annotations = text === undefined ? {} : { "isthmus.dev/export-to": text };
  return { ...rest, metadata: { ...metadata, annotations } };
}

describe("exportAudience", () => {
  test.each([
    { name: "no annotation: everybody", text: undefined, want: undefined },
    { name: "one cluster", text: "east", want: ["east"] },
    { name: "several, sorted, each once", text: "west, east,west ", want: ["east", "west"] },
  ])("$name", ({ text, want }) => {
    expect(exportAudience(annotated(text))).toEqual({ ok: true, value: want });
  });

  test.each(["", "east,", "East", "east west", "*", "a.b"])(
    "%j is refused: never everybody by mistake",
    (text) => {
      const audience = exportAudience(annotated(text));
      expect(audience.ok ? "" : audience.error).toMatch(
        /^annotation isthmus\.dev\/export-to must be cluster ids .*: got "/,
      );
    },
  );
});
