import { describe, expect, test } from "vitest";
import { AKS, K3S, KUBEADM, NODE_CACHE } from "./corefiles.fixture.ts";
import { type ClusterDns, type DnsConfigMaps, planWiring, type WiringPlan } from "./wiring-plan.ts";
import { planRestore, recordOf } from "./wiring-record.ts";

const ours = ["10.96.0.53"] as const;

function cluster(maps: DnsConfigMaps, more: Partial<ClusterDns> = {}): ClusterDns {
  return { maps, runsKubeDns: false, servesImports: true, ...more };
}

function plan(dns: ClusterDns): WiringPlan {
  const planned = planWiring(dns, ours);
  if (!planned.ok) throw new Error(planned.error);
  return planned.value;
}

function applied(maps: DnsConfigMaps, edits: WiringPlan["edits"]): DnsConfigMaps {
  const after = new Map<string, Readonly<Record<string, string>>>(Object.entries(maps));
  for (const { configMap, key, after: text } of edits) {
    const { [key]: _, ...rest } = after.get(configMap) ?? {};
    after.set(configMap, text === undefined ? rest : { ...rest, [key]: text });
  }
  return Object.fromEntries(after);
}

const core = (text: string) => ({ coredns: { Corefile: text } });

describe("who is found, and what is changed", () => {
  test.each<[string, ClusterDns, string[], string[]]>([
    ["nobody", cluster({}), [], []],
    ["kubeadm", cluster(core(KUBEADM)), ["CoreDNS"], ["coredns/Corefile"]],
    ["k3s", cluster(core(K3S)), ["CoreDNS"], ["coredns-custom/isthmus.server"]],
    [
      "AKS",
      cluster({ ...core(AKS), "coredns-custom": { "mine.server": "x.y {\n}\n" } }),
      ["CoreDNS"],
      ["coredns-custom/isthmus.server"],
    ],
    ["kube-dns", cluster({}, { runsKubeDns: true }), ["kube-dns"], ["kube-dns/stubDomains"]],
    [
      "kube-dns and a node's cache",
      cluster({ "node-local-dns": { Corefile: NODE_CACHE } }, { runsKubeDns: true }),
      ["kube-dns", "NodeLocal DNSCache"],
      ["kube-dns/stubDomains"],
    ],
    [
      "CoreDNS and a node's cache",
      cluster({ ...core(KUBEADM), "node-local-dns": { Corefile: NODE_CACHE } }),
      ["CoreDNS", "NodeLocal DNSCache"],
      ["coredns/Corefile", "node-local-dns/Corefile"],
    ],
    [
      "a coredns-custom that no Corefile reads",
      cluster({ ...core(KUBEADM), "coredns-custom": { "x.server": "clusterset.local {\n}\n" } }),
      ["CoreDNS"],
      ["coredns/Corefile"],
    ],
    ["a ConfigMap of kube-dns that is a leftover", cluster({ "kube-dns": {} }), [], []],
  ])("%s", (_, dns, found, edits) => {
    const planned = plan(dns);
    expect(planned.found).toEqual(found);
    expect(planned.edits.map(({ configMap, key }) => `${configMap}/${key}`)).toEqual(edits);
    const after = applied(dns.maps, planned.edits);
    expect(plan({ ...dns, maps: after }).edits).toEqual([]);
    const record = recordOf(planned.edits, ours, dns.maps, undefined);
    const restored = planRestore(record, after);
    expect(restored.map(({ how }) => how)).toEqual(edits.map(() => "as it was before"));
    const back = applied(after, restored);
    for (const { configMap, dropMap } of restored) {
      expect(dropMap).toBe(dns.maps[configMap] === undefined);
      expect(back[configMap] ?? {}).toEqual(dns.maps[configMap] ?? {});
    }
  });
});

describe("what stands in the way changes nothing", () => {
  test.each<[string, ClusterDns, string]>([
    [
      "the plugin multicluster without ServiceImports",
      cluster(core("clusterset.example {\n  multicluster clusterset.example\n}\n"), {
        servesImports: false,
      }),
      "install the definitions first",
    ],
    [
      "somebody else's block",
      cluster(core(`${KUBEADM}clusterset.local {\n}\n`)),
      "ConfigMap kube-system/coredns: line 24 serves",
    ],
    [
      "somebody else's file",
      cluster({ ...core(K3S), "coredns-custom": { "m.server": "\nclusterset.local {\n}\n" } }),
      "key m.server: line 2 serves",
    ],
    [
      "a block besides the files",
      cluster(core(`clusterset.local {\n}\n${K3S}`)),
      "ConfigMap kube-system/coredns: line 1 serves",
    ],
    [
      "a file that does not parse",
      cluster({ ...core(K3S), "coredns-custom": { "m.server": "x {\n" } }),
      "key m.server: line 1: every opening brace must be closed",
    ],
    ["a Corefile that does not parse", cluster(core(".:53 {")), "every opening brace"],
    [
      "a good Corefile and a bad cache",
      cluster({ ...core(KUBEADM), "node-local-dns": { Corefile: "}" } }),
      "ConfigMap kube-system/node-local-dns: line 1",
    ],
  ])("%s", (_, dns, want) => {
    expect(planWiring(dns, ours)).toMatchObject({
      ok: false,
      error: expect.stringContaining(want),
    });
  });
});

test.each([
  [KUBEADM, []],
  [KUBEADM.replace("    reload\n", ""), ["CoreDNS does not reload by itself"]],
  [`import /etc/more\n${KUBEADM}`, ["not looked at: what the Corefile imports from /etc/more"]],
  [KUBEADM.replace("ready", "multicluster clusterset.local"), ["plugin multicluster answers"]],
])("notes for the admin (%#)", (text, want) => {
  const { notes } = plan(cluster(core(text)));
  expect(notes).toEqual(want.map((part) => expect.stringContaining(part)));
});

describe("restoring, when others have been there since", () => {
  const before = core(KUBEADM);
  const { edits } = plan(cluster(before));
  const record = recordOf(edits, ours, before, undefined);
  const wired = applied(before, edits);
  const text = wired.coredns?.["Corefile"] ?? "";

  test.each([
    ["a block was added", `${text}x {\n}\n`, `${KUBEADM}x {\n}\n`],
    ["the comments are gone", text.replace(/^# isthmus.*\n/gm, "").concat("\n"), `${KUBEADM}\n`],
  ])("%s: it stays", (_, now, after) => {
    const [restored] = planRestore(record, core(now));
    expect(restored).toMatchObject({
      after,
      dropMap: false,
      how: "ours removed, what others changed since stays",
    });
  });

  test("ours was removed by hand, or all of it", () => {
    expect(planRestore(record, core(KUBEADM))).toMatchObject([{ after: KUBEADM, how: "was gone" }]);
    expect(planRestore(record, {})).toMatchObject([{ after: undefined, how: "was gone" }]);
  });

  test("a second wiring, after a change, keeps as backup what is not ours", () => {
    const changed = core(text.replace("10.96.0.53", "10.96.0.1").concat("# more\n"));
    const again = plan(cluster(changed));
    const second = recordOf(again.edits, ours, changed, record);
    expect(second.keys).toMatchObject([{ before: `${KUBEADM}# more\n`, madeMap: false }]);
  });
});
