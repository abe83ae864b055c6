import { expect, test } from "vitest";
import { InvariantError } from "../../../api/invariant.ts";
import { LEASES } from "../../../api/kube/lease.ts";
import { NAMESPACES } from "../../../api/kube/namespace.ts";
import { SERVICES } from "../../../api/kube/service.ts";
import { collectionPath, objectPath, queryString } from "./resource-path.ts";

const SHOP = { resource: SERVICES, namespace: "shop" };

test.each([
  { got: collectionPath(SERVICES, undefined), want: "/api/v1/services" },
  { got: collectionPath(SERVICES, "shop"), want: "/api/v1/namespaces/shop/services" },
  { got: collectionPath(NAMESPACES, undefined), want: "/api/v1/namespaces" },
  {
    got: collectionPath(LEASES, "a"),
    want: "/apis/coordination.k8s.io/v1/namespaces/a/leases",
  },
  { got: objectPath({ resource: NAMESPACES, name: "shop" }), want: "/api/v1/namespaces/shop" },
  {
    got: objectPath({ ...SHOP, name: "web" }, "status"),
    want: "/api/v1/namespaces/shop/services/web/status",
  },
  // What is not a name must not become another path or a query.
  {
    got: objectPath({ ...SHOP, name: "a/../b?c" }),
    want: "/api/v1/namespaces/shop/services/a%2F..%2Fb%3Fc",
  },
  { got: queryString({ a: undefined, b: "", c: 0, d: false }), want: "?c=0&d=false" },
  { got: queryString({ a: undefined }), want: "" },
  { got: queryString({ labelSelector: "a in (b,c)" }), want: "?labelSelector=a+in+%28b%2Cc%29" },
])("$want", ({ got, want }) => {
  expect(got).toBe(want);
});

test("a path that would name something else is a bug", () => {
  expect(() => objectPath({ resource: SERVICES, name: "web" })).toThrow(InvariantError);
  expect(() => objectPath({ ...SHOP, name: "" })).toThrow(InvariantError);
  expect(() => collectionPath(NAMESPACES, "shop")).toThrow(InvariantError);
});
