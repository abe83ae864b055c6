/** Where a role is held against what its process asks for, by file and name of the role. */
export const PROOFS: readonly {
  readonly file: string;
  readonly role: string;
  readonly test: string;
}[] = [
  {
    file: "hub/10-broker.yaml",
    role: "isthmus:broker",
    test: "test/system/kube-hub-identity.test.ts",
  },
  {
    file: "30-controllers-role.yaml",
    role: "isthmus:controllers",
    test: "test/e2e/permissions.test.ts",
  },
  {
    file: "34-auto-export-role.yaml",
    role: "isthmus:auto-export",
    test: "test/e2e/permissions.test.ts",
  },
  { file: "31-dns-role.yaml", role: "isthmus:dns", test: "test/e2e/permissions.test.ts" },
  {
    file: "32-proxy-role.yaml",
    role: "isthmus:proxy",
    test: "test/system/proxy/proxy-process.test.ts",
  },
  {
    file: "32-proxy-role.yaml",
    role: "isthmus:proxy-client-namespaces",
    test: "test/system/proxy/proxy-process.test.ts",
  },
  { file: "33-vxlan-roles.yaml", role: "isthmus:gateway", test: "test/net/clusterset.net.test.ts" },
  {
    file: "33-vxlan-roles.yaml",
    role: "isthmus:node-agent",
    test: "test/net/clusterset.net.test.ts",
  },
];

/** What the tests named here see used. */
export const WITH_BACKENDS = "with --backends: test/net/clusterset.net.test.ts";
export const WITH_SECRET = "with --identity-secret: test/e2e/five-lines.test.ts";

/** Granted for what the run in PROOFS is not sure to meet: what needs it, and the test that does where there is one. */
export const ONLY_SOMETIMES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "isthmus:controllers": {
    "get services": "own-objects.ts reads what it could not create because it was there",
    "get endpointslices.discovery.k8s.io": "the same",
    "get serviceimports.multicluster.x-k8s.io": "the same",
    "deletecollection endpointslices.discovery.k8s.io":
      "when the path to a cluster of many services dies: test/controllers/dead-paths.test.ts",
    "delete leases.coordination.k8s.io": "when another cluster leaves: test/e2e/membership.test.ts",
    "create slices.isthmus.dev": "with slices in the hub's policy: test/controllers/slices.test.ts",
    "patch slices.isthmus.dev": "the same",
    "delete slices.isthmus.dev": "the same",
    "get configmaps": "with --backends overlay-cni",
    "list clustersets.multicluster.crd.antrea.io": "the same",
    "list clusterinfoimports.multicluster.crd.antrea.io": "the same",
    "get secrets": WITH_SECRET,
    "patch secrets": WITH_SECRET,
    ...Object.fromEntries(
      [
        ...["list", "watch", "create", "patch"].flatMap((verb) =>
          ["peers", "membernetworks"].map((plural) => `${verb} ${plural}.isthmus.dev`),
        ),
        ...["list", "watch"].flatMap((verb) => [
          `${verb} pathreports.isthmus.dev`,
          `${verb} nodes`,
        ]),
        "patch peers.isthmus.dev/status",
      ].map((call) => [call, WITH_BACKENDS]),
    ),
    "list servicecidrs.networking.k8s.io": "with --backends, without --service-cidrs",
    "patch membernetworks.isthmus.dev/status": "with --backends, when something is wrong",
    "delete peers.isthmus.dev": "with --backends, when another cluster leaves",
    "delete pathreports.isthmus.dev":
      "with --backends, an hour after a gateway or proxy is gone (test/controllers/network.test.ts)",
  },
  "isthmus:proxy": {
    "patch secrets": "when it renews the certificate before the controllers do",
  },
  "isthmus:gateway": {
    "list pods": "once there is a slice: test/net/vxlan/slices.net.test.ts",
    "watch pods": "the same",
  },
};
