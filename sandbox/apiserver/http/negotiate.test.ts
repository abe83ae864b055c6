import { expect, test } from "vitest";
import { negotiate } from "./negotiate.ts";

test.each([
  [undefined, "object", "json"],
  ["", "object", "json"],
  ["*/*", "object", "json"],
  ["application/yaml", "object", "yaml"],
  ["application/vnd.kubernetes.protobuf,application/json", "object", "json"],
  ["application/json;as=Table;v=v1;g=meta.k8s.io,application/json", "table", "json"],
  ["application/json;as=Table;v=v9;g=meta.k8s.io,application/json", "object", "json"],
  ["application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io", "metadata", "json"],
  ["application/json;q=0.1, application/yaml;q=0.9", "object", "yaml"],
  ["text/csv;q=1, application/json;q=0", undefined, undefined],
  ["application/vnd.kubernetes.protobuf", undefined, undefined],
])("Accept %s", (accept, shape, encoding) => {
  const found = negotiate(accept);
  expect(found.ok ? found.value.shape : undefined).toBe(shape);
  expect(found.ok ? found.value.encoding : undefined).toBe(encoding);
  if (!found.ok) expect(found.error.code).toBe(406);
});
