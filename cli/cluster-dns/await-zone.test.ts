import { PassThrough } from "node:stream";
import { decode, encode } from "dns-packet";
import { beforeEach, describe, expect, test } from "vitest";
import { CONFIG_MAPS, type ConfigMap } from "../../api/kube/config-map.ts";
import { NAMESPACES } from "../../api/kube/namespace.ts";
import { PODS } from "../../api/kube/pod.ts";
import { err, must, ok, type Result } from "../../api/result.ts";
import { KUBEADM } from "../../install/cluster-dns/corefiles.fixture.ts";
import { recordOf } from "../../install/cluster-dns/wiring-record.ts";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import type { PortForward } from "../../runtime/kube/port-forward.ts";
import { seededRandom } from "../../runtime/random/seeded-random.ts";
import { CorePump } from "../../sandbox/apiserver/core/core-pump.ts";
import { InMemoryKubeClient } from "../../sandbox/apiserver/in-memory-kube-client.ts";
import { START_MS, TestCore } from "../../sandbox/apiserver/testing/test-core.ts";
import { Receipt } from "../output/receipt.ts";
import { awaitZone } from "./await-zone.ts";
import { writeBackup } from "./wiring-backup.ts";

// A cluster whose DNS pods are asked through the API server, and what they say as time goes on.

const NXDOMAIN = 3;
const { signal } = new AbortController();
let clock: VirtualClock;
let client: InMemoryKubeClient;
/** Response codes by pod; "shut": nobody gets there. */
let answers: Map<string, number | "shut">;
let asked: string[];
let lines: string[];

beforeEach(async () => {
  clock = new VirtualClock(START_MS);
  const { core } = new TestCore();
  const pump = new CorePump({ settleDelayMs: 20 }, { core, clock });
  client = new InMemoryKubeClient({}, { core, clock, pump });
  answers = new Map();
  asked = [];
  lines = [];
  const object = { apiVersion: "v1", kind: "Namespace", metadata: { name: "isthmus-system" } };
  must(await client.create(NAMESPACES, object, { signal }));
});

/** As an install leaves it: a text that is changed, and what was there before. */
async function wire(before = KUBEADM): Promise<void> {
  const metadata = { namespace: "kube-system", name: "coredns" };
  const data = { Corefile: `# ours\n${before}` };
  const object: ConfigMap = { apiVersion: "v1", kind: "ConfigMap", metadata, data };
  must(await client.create(CONFIG_MAPS, object, { signal }));
  const edit = { configMap: "coredns", key: "Corefile", before, after: data.Corefile } as const;
  const record = recordOf([edit], ["10.96.0.53"], { coredns: data }, undefined);
  must(await writeBackup("isthmus-system", record, { client, signal }));
}

async function runPod(name: string, more: object = {}): Promise<void> {
  const spec = {
    containers: [{ name: "dns", image: "coredns" }],
    volumes: [{ name: "config", configMap: { name: "coredns" } }],
    ...more,
  };
  const status = { conditions: [{ type: "Ready", status: "True" }] };
  const metadata = { namespace: "kube-system", name };
  const object = { apiVersion: "v1", kind: "Pod", metadata, spec, status };
  const made = must(await client.create(PODS, object, { signal }));
  must(await client.update(PODS, { ...made, status }, { signal, subresource: "status" }));
}

const forward: PortForward = ({ pod }) => {
  asked.push(pod);
  const code = answers.get(pod);
  if (code === "shut" || code === undefined) return Promise.resolve(err(`${pod}: may not`));
  const stream = new PassThrough();
  const write = stream.write.bind(stream);
  // What is written is a question; what is read is the answer.
  stream.write = (bytes: Buffer): boolean => {
    const { id = 0, questions = [] } = decode(bytes.subarray(2));
    const answer = encode({ type: "response", id, flags: code, questions });
    const length = Buffer.alloc(2);
    length.writeUInt16BE(answer.length);
    return write(Buffer.concat([length, answer]));
  };
  return Promise.resolve(ok(stream));
};

interface Run {
  readonly done: Promise<void>;
  result?: Result<undefined, string>;
}

function begin(timeoutMs = 60_000, until = signal): Run {
  const out = { line: (text: string) => void lines.push(text), problem: () => undefined };
  const deps = { client, forward, clock, random: seededRandom(1), signal: until };
  const wait = async (): Promise<void> => {
    const told = { ...deps, out: new Receipt("table", out) };
    run.result = await awaitZone("isthmus-system", timeoutMs, told);
  };
  const run: Run = { done: Promise.resolve().then(wait) };
  return run;
}

async function annotationsOf(name: string): Promise<object> {
  const target = { resource: PODS, namespace: "kube-system", name };
  return must(await client.get(target, { signal })).metadata.annotations ?? {};
}

const seconds = (count: number): Promise<void> => clock.advance(count * 1_000);

describe("a pod that has not read its configuration", () => {
  beforeEach(async () => {
    await wire();
    await runPod("dns-1");
    await runPod("dns-2");
    answers.set("dns-1", 0).set("dns-2", NXDOMAIN);
  });

  test("is waited for, and says so; the other one is asked once", async () => {
    const run = begin();
    await seconds(20);
    expect(run.result).toBeUndefined();
    answers.set("dns-2", 0);
    await seconds(1);
    expect(run.result).toEqual(ok(undefined));
    expect(lines).toEqual([
      "waiting until the cluster's DNS answers clusterset.local: pod dns-2 has not read its changed configuration: it answers clusterset.local with NXDOMAIN",
      "the cluster's DNS answers clusterset.local",
    ]);
    expect(asked.filter((pod) => pod === "dns-1")).toHaveLength(1);
  });

  test("has its node bring it, by an annotation that does not stay; the other one is left alone", async () => {
    const run = begin();
    await seconds(0.5);
    expect(await annotationsOf("dns-2")).not.toEqual({});
    expect(await annotationsOf("dns-1")).toEqual({});
    await seconds(1);
    expect(await annotationsOf("dns-2")).toEqual({});
    answers.set("dns-2", 0);
    await seconds(1);
    await run.done;
  });

  test("is told again when nothing has come of it: its node may not have heard of the change yet", async () => {
    const run = begin();
    await seconds(19.5);
    expect(await annotationsOf("dns-2")).toEqual({});
    await seconds(1);
    expect(await annotationsOf("dns-2")).not.toEqual({});
    answers.set("dns-2", 0);
    await seconds(1);
    await run.done;
    expect(await annotationsOf("dns-2")).toEqual({});
  });

  test("keeps no annotation of one who was told to stop", async () => {
    const stopping = new AbortController();
    const run = begin(60_000, stopping.signal);
    await seconds(0.5);
    expect(await annotationsOf("dns-2")).not.toEqual({});
    stopping.abort();
    await seconds(1);
    await run.done;
    expect(run.result).toMatchObject({ ok: false });
    expect(await annotationsOf("dns-2")).toEqual({});
  });

  test("is an error when the time is up", async () => {
    const run = begin(10_000);
    await seconds(11);
    expect(run.result).toEqual(
      err(
        expect.stringMatching(
          /does not answer clusterset\.local within 10 s: pod dns-2 has not read/,
        ),
      ),
    );
  });
});

test("a pod that nobody may ask: not tested, said so, and no failure", async () => {
  await wire();
  await runPod("dns-1");
  answers.set("dns-1", "shut");
  const run = begin();
  await seconds(5);
  expect(run.result).toEqual(ok(undefined));
  expect(lines).toEqual([expect.stringMatching(/^not tested .*: dns-1: may not; nodes bring/)]);
});

test("an API server that breaks once is looked at again", async () => {
  await wire();
  await runPod("dns-1");
  answers.set("dns-1", "shut");
  const run = begin();
  await seconds(1.5);
  answers.set("dns-1", 0);
  await seconds(2);
  expect(run.result).toEqual(ok(undefined));
  expect(lines).toEqual(["the cluster's DNS answers clusterset.local"]);
});

test("a CoreDNS that does not reload is not waited for: that takes a restart by hand", async () => {
  await wire(KUBEADM.replace("    reload\n", ""));
  await runPod("dns-1");
  answers.set("dns-1", NXDOMAIN);
  const run = begin();
  await run.done;
  expect(run.result).toEqual(ok(undefined));
  expect(lines).toEqual([expect.stringMatching(/^not waited for, since CoreDNS does not reload/)]);
});

test("nothing is asked where nothing was changed", async () => {
  await runPod("dns-1");
  const run = begin();
  await run.done;
  expect([run.result, asked, lines]).toEqual([ok(undefined), [], []]);
});

test("a node's cache is not asked, and told to be so", async () => {
  await wire();
  await runPod("dns-1");
  await runPod("cache", { hostNetwork: true });
  answers.set("dns-1", 0);
  const run = begin();
  await run.done;
  expect(run.result).toEqual(ok(undefined));
  expect(lines[1]).toContain("not asked: NodeLocal DNSCache of 1 nodes");
  expect(asked).toEqual(["dns-1"]);
});
