import { expect, test } from "vitest";
import { parseResourcePath } from "./resource-path.ts";

const core = { group: "", version: "v1", namespace: "", name: "", subresource: "" };

test.each([
  ["/api/v1/pods", { ...core, resource: "pods" }],
  ["/api/v1/namespaces", { ...core, resource: "namespaces" }],
  ["/api/v1/namespaces/a", { ...core, resource: "namespaces", name: "a" }],
  [
    "/api/v1/namespaces/a/status",
    { ...core, resource: "namespaces", name: "a", subresource: "status" },
  ],
  ["/api/v1/namespaces/a/pods", { ...core, resource: "pods", namespace: "a" }],
  ["/api/v1/namespaces/a/pods/b", { ...core, resource: "pods", namespace: "a", name: "b" }],
  [
    "/apis/g.io/v1/namespaces/a/things/b/status",
    {
      group: "g.io",
      version: "v1",
      resource: "things",
      namespace: "a",
      name: "b",
      subresource: "status",
    },
  ],
  ["/apis/g.io/v1/things/a%2eb", { ...core, group: "g.io", resource: "things", name: "a.b" }],
  ["/api", undefined],
  ["/api/v1", undefined],
  ["/apis/g.io/v1", undefined],
  ["/healthz", undefined],
  ["/api/v1/namespaces/a/pods/b/status/more", undefined],
  ["/api/v1//pods", undefined],
  ["/api/v1/pods/%", undefined],
  ["/api/v1/pods/a%2Fb", undefined],
])("%s", (path, want) => {
  expect(parseResourcePath(path)).toEqual(want);
});
