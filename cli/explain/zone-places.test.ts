import { expect, test } from "vitest";
import type { ClusterDns } from "../../install/cluster-dns/wiring-plan.ts";
import { zonePlaces } from "./zone-places.ts";

const DEFAULT = `.:53 {
    errors
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
    }
    # clusterset.local:53 { forward . 10.96.0.1 }
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30
}
`;
const NOBODY: ClusterDns = { maps: {}, runsKubeDns: false, servesImports: true };
const COREFILE = "the Corefile";

function coredns(text: string): ClusterDns {
  return { ...NOBODY, maps: { coredns: { Corefile: text } } };
}

test.each([
  { name: "a default one", text: DEFAULT, fate: { kind: "absent" } },
  {
    name: "several zones, several addresses, options",
    text: "example.org, clusterset.local. {\n errors\n forward . 10.96.0.53:53 [fd00::53]:53 dns://10.96.0.54 {\n policy sequential\n }\n}",
    fate: { kind: "forwards", to: ["10.96.0.53", "fd00::53", "10.96.0.54"] },
  },
  {
    name: "an IPv6 address",
    text: "clusterset.local:53 {\n forward . fd00::53\n}",
    fate: { kind: "forwards", to: ["fd00::53"] },
  },
  {
    name: "the multicluster plugin",
    text: DEFAULT.replace("cache 30", "multicluster clusterset.local"),
    fate: { kind: "answers", plugin: "multicluster" },
  },
  {
    name: "a block that does nothing",
    text: "clusterset.local {\n errors\n}",
    fate: { kind: "nowhere" },
  },
])("CoreDNS with $name", ({ text, fate }) => {
  const found = zonePlaces(coredns(text), "clusterset.local");
  expect(found).toEqual({ ok: true, value: [{ where: COREFILE, fate }] });
});

test("kube-dns, its cache, and files that a distribution lets admins add", () => {
  const stubs = { stubDomains: '{"clusterset.local":["10.96.0.53"]}' };
  const kubeDns = { ...NOBODY, runsKubeDns: true, maps: { "kube-dns": stubs } };
  const to = { kind: "forwards", to: ["10.96.0.53"] };
  expect(zonePlaces(kubeDns, "clusterset.local")).toMatchObject({ value: [{ fate: to }] });
  const block = "clusterset.local:53 {\n forward . 10.96.0.53\n}";
  const maps = {
    coredns: { Corefile: `${DEFAULT}import custom/*.server` },
    "coredns-custom": { "isthmus.server": block, "log.override": "log" },
    "node-local-dns": { Corefile: DEFAULT },
  };
  expect(zonePlaces({ ...NOBODY, maps }, "clusterset.local")).toMatchObject({
    value: [
      { where: COREFILE, fate: to },
      { where: "the Corefile of NodeLocal DNSCache", fate: { kind: "absent" } },
    ],
  });
});

test("nobody that is known, and what cannot be read", () => {
  expect(zonePlaces(NOBODY, "clusterset.local")).toEqual({ ok: true, value: [] });
  expect(zonePlaces(coredns("clusterset.local {"), "clusterset.local").ok).toBe(false);
});
