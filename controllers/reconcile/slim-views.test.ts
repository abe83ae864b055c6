import { describe, expect, test } from "vitest";
import type { EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import { LABEL_MANAGED_BY, MANAGED_BY } from "../../api/mcs/labels.ts";
import { aService } from "../testing/builders.ts";
import { slimNamespace, slimService, slimSlice } from "./slim-views.ts";

const SLICE: EndpointSlice = {
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: {
    namespace: "shop",
    name: "web-1",
    uid: "u",
    resourceVersion: "7",
    annotations: { "endpoints.kubernetes.io/last-change-trigger-time": "2026-01-01T00:00:00Z" },
    labels: { "kubernetes.io/service-name": "web" },
    ownerReferences: [{ apiVersion: "v1", kind: "Service", name: "web", uid: "s" }],
  },
  addressType: "IPv4",
  endpoints: [
    {
      addresses: ["10.1.0.1"],
      conditions: { ready: true, serving: true, terminating: false },
      hostname: "web-0",
      nodeName: "n1",
      zone: "z1",
      targetRef: { kind: "Pod", namespace: "shop", name: "web-0", uid: "p" },
      hints: { forZones: [{ name: "z1" }] },
    },
  ],
  ports: [{ name: "http", protocol: "TCP", port: 8080 }],
};

describe("views keep what decisions read, and no more (SCL-06)", () => {
  test("of others' slices", () => {
    expect(slimSlice(SLICE)).toEqual({
      ...SLICE,
      metadata: {
        namespace: "shop",
        name: "web-1",
        uid: "u",
        resourceVersion: "7",
        labels: { "kubernetes.io/service-name": "web" },
      },
      endpoints: [
        {
          addresses: ["10.1.0.1"],
          conditions: { ready: true, serving: true, terminating: false },
          hostname: "web-0",
          nodeName: "n1",
          zone: "z1",
        },
      ],
    });
  });

  test.each([
    { what: "no endpoints, as Go writes an empty list", endpoints: null },
    { what: "an empty list", endpoints: [] },
  ])("a slice with $what stays as it is", ({ endpoints }) => {
    expect(slimSlice({ ...SLICE, endpoints }).endpoints).toEqual(endpoints);
  });

  test("our own slices in whole: what somebody added must be seen to be taken out", () => {
    const own = {
      ...SLICE,
      metadata: { ...SLICE.metadata, labels: { [LABEL_MANAGED_BY]: MANAGED_BY } },
    };
    expect(slimSlice(own)).toBe(own);
  });

  test("of Services all but annotations and status", () => {
    const service = aService();
    const annotations = { "kubectl.kubernetes.io/last-applied-configuration": "{}" };
    const full = {
      ...service,
      metadata: { ...service.metadata, annotations },
      status: { loadBalancer: {} },
    };
    expect(slimService(full)).toEqual(service);
  });

  test("of namespaces all but annotations", () => {
    const namespace = {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "shop", uid: "n", labels: { a: "b" }, annotations: { c: "d" } },
      status: { phase: "Terminating" },
    };
    expect(slimNamespace(namespace)).toEqual({
      ...namespace,
      metadata: { name: "shop", uid: "n", labels: { a: "b" } },
    });
  });
});
