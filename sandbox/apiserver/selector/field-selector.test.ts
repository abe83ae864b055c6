import { describe, expect, test } from "vitest";
import { matchesFields, parseFieldSelector } from "./field-selector.ts";
import { checkFieldSelector, readSelectableField } from "./selectable-fields.ts";

describe("field selectors", () => {
  const object = {
    metadata: { name: "a" },
    spec: { type: "x,y" },
    involvedObject: { kind: "Pod" },
  };

  test.each([
    ["metadata.name=a", true],
    ["metadata.name==a", true],
    ["metadata.name!=a", false],
    ["spec.type=x\\,y,metadata.name=a", true],
    ["spec.none=", true],
    ["involvedObject.kind=Pod", true],
  ])("%s matches: %s", (text, want) => {
    const selector = parseFieldSelector(text);
    const read = (field: string) => readSelectableField(object, field);
    expect(selector.ok && matchesFields(selector.value, read)).toBe(want);
  });

  test.each(["a", "=b", "a=b=c", "a=\\x"])("%s is refused", (text) => {
    expect(parseFieldSelector(text).ok).toBe(false);
  });

  test.each([
    ["/pods", "spec.nodeName", undefined],
    ["/pods", "spec.x", "field label not supported: spec.x"],
    [
      "discovery.k8s.io/endpointslices",
      "spec.x",
      '"spec.x" is not a known field selector: only "metadata.name", "metadata.namespace"',
    ],
  ])("%s by %s", (resource, field, want) => {
    const checked = checkFieldSelector(resource, [{ field, equal: true, value: "" }]);
    expect(checked.ok ? undefined : checked.error).toBe(want);
  });
});
