import { createSocket } from "node:dgram";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serviceExports } from "../../api/mcs/service-export.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { seededRandom } from "../../runtime/random/seeded-random.ts";
import { askDns } from "../../sandbox/clusterset/ask-dns.ts";
import { E2eClusterset } from "./harness/e2e-clusterset.ts";
import { runCli } from "./harness/run-cli.ts";
import { ServiceFixture } from "./harness/service-fixture.ts";

let set: E2eClusterset;
let scratch: string;
beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "isthmus-bad-"));
  set = await E2eClusterset.start(2);
});
afterAll(async () => {
  await set?.stop();
  rmSync(scratch, { recursive: true, force: true });
});

function createToken(cluster: string, ...more: string[]): ReturnType<typeof runCli> {
  const { brokerDataDir, brokerAddress } = set.processes;
  return runCli([
    ...["token", "create", "--data-dir", brokerDataDir, "--broker", brokerAddress],
    ...["--cluster", cluster, ...more],
  ]);
}

function joinWith(cluster: string, token: string): ReturnType<typeof runCli> {
  const identityDir = mkdtempSync(join(scratch, "identity-"));
  return runCli([
    "join",
    "--cluster-id",
    cluster,
    "--identity-dir",
    identityDir,
    "--timeout",
    "15s",
    token,
  ]);
}

describe("joining", () => {
  test.each([
    { id: "Bad_Id", rule: "lower-case RFC 1123 DNS label" },
    { id: "a.b", rule: "lower-case RFC 1123 DNS label" },
    { id: "x".repeat(71), rule: "at most 63 bytes: got 71" },
  ])("an invalid cluster id is refused with the rule: $rule", async ({ id, rule }) => {
    const outcome = await createToken(id);
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain(rule);
  });

  test("a cluster id that is taken is refused, with who has it since when", async () => {
    const outcome = await createToken("member-1");
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toMatch(/cluster id already taken: member-1 joined at \d{4}-/);
  });

  test("of two tokens for one id only one is made, and a replaced one lets nobody in", async () => {
    const first = await createToken("twice");
    const second = await createToken("twice");
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(/cluster id already claimed: token \S+ for twice lives until/);
    const third = await createToken("twice", "--replace");
    const outcome = await joinWith("twice", first.stdout.trim());
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain("must be the latest for twice: a later one was created");
    expect((await joinWith("twice", third.stdout.trim())).code).toBe(0);
  });

  test("a used token is refused", async () => {
    const token = (await createToken("once")).stdout.trim();
    expect((await joinWith("once", token)).code).toBe(0);
    const outcome = await joinWith("once", token);
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toMatch(/token .*(used|redeemed)|already taken/);
    expect(outcome.stderr).not.toContain(token);
  });

  test("an expired token is refused", async () => {
    const token = (await createToken("late", "--ttl", "1s")).stdout.trim();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const outcome = await joinWith("late", token);
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain("expired");
  });

  test("a forged token is refused, whichever part is forged", async () => {
    const token = (await createToken("forged")).stdout.trim();
    for (const forged of forgeries(token)) {
      const outcome = await joinWith("forged", forged);
      expect(outcome.code, forged).toBe(1);
      expect(outcome.stderr, forged).toMatch(/token|authority/);
    }
    // Nothing was lost: the real one still works.
    expect((await joinWith("forged", token)).code).toBe(0);
  });

  test("a token for another cluster is refused", async () => {
    const token = (await createToken("mine")).stdout.trim();
    const outcome = await joinWith("yours", token);
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toMatch(/cluster/);
  });

  test("controllers without an identity say how to get one", async () => {
    const outcome = await runCli([
      "controllers",
      ...["--kubeconfig", set.members[0]?.kubeconfig ?? ""],
      ...["--identity-dir", join(scratch, "nobody")],
    ]);
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain('run "isthmus join" first');
  });
});

describe("starting", () => {
  test("unknown commands, flags and settings stop the start", async () => {
    expect(await runCli(["brokr"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("brokr"),
    });
    expect(await runCli(["dns", "--prot", "1"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--prot"),
    });
    const file = join(scratch, "dns.yaml");
    writeFileSync(file, "zone: clusterset.local\nlissten: :53\n");
    expect(await runCli(["dns", "--config", file])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("unknown settings lissten"),
    });
  });

  test.each([
    { verb: "dns", flag: "--listen" },
    { verb: "dns", flag: "--health-listen" },
    { verb: "broker", flag: "--listen" },
    { verb: "broker", flag: "--health-listen" },
  ])("$verb on a $flag that is in use says so", async ({ verb, flag }) => {
    const [server, port] = await occupiedPort();
    const kube = [
      "--kubeconfig",
      set.members[0]?.kubeconfig ?? "",
      "--context",
      set.members[0]?.context ?? "",
    ];
    const base =
      verb === "dns"
        ? ["dns", ...kube, "--listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0"]
        : [
            "broker",
            "--data-dir",
            join(scratch, `hub-${flag}`),
            "--listen",
            "127.0.0.1:0",
            "--health-listen",
            "127.0.0.1:0",
          ];
    const outcome = await runCli([...base, flag, `127.0.0.1:${port}`]);
    server.close();
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toMatch(new RegExp(`127\\.0\\.0\\.1:${port}.*in use`));
  });

  test("a policy that cannot be understood keeps the broker from starting, and says where and why", async () => {
    const path = join(scratch, "policy.yaml");
    writeFileSync(path, "clusters:\n  member-1:\n    maxExport: 3\n");
    const outcome = await runCli([
      ...["broker", "--data-dir", join(scratch, "hub-policy"), "--policy", path],
      ...["--listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0"],
    ]);
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain(
      `cannot read policy ${path}: clusters.member-1: must hold known keys only: got maxExport`,
    );
  });

  test("two brokers on one data directory: the second is told", async () => {
    const outcome = await runCli([
      ...["broker", "--data-dir", set.processes.brokerDataDir, "--clusterset", "e2e"],
      ...["--listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0"],
    ]);
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toMatch(/store|lock|broker/);
  });

  test("a kubeconfig that names nothing, and one whose server does not answer", async () => {
    const missing = await runCli(["status", "--kubeconfig", join(scratch, "none")]);
    expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining("none") });
    const [server, port] = await occupiedPort();
    server.close();
    const file = join(scratch, "dead.yaml");
    writeFileSync(file, deadKubeconfig(port));
    const dead = await runCli(["status", "--kubeconfig", file]);
    expect(dead.code).toBe(1);
    expect(dead.stderr).toMatch(/cannot reach API server .*connection refused/);
  });
});

describe("objects that are not right", () => {
  test("a ServiceExport of the wrong shape is refused by the API, one of the wrong content by a condition", async () => {
    const [a, b] = [set.cluster(0), set.cluster(1)];
    const web = new ServiceFixture(await set.namespace(), "web", set.signal);
    const refused = await a.kube.create(
      serviceExports(),
      {
        apiVersion: "multicluster.x-k8s.io/v1beta1",
        kind: "ServiceExport",
        metadata: { namespace: web.namespace, name: "web" },
        spec: { exportedLabels: "not a map" },
      },
      { signal: set.signal },
    );
    expect(refused).toMatchObject({ ok: false, error: { kind: "invalid" } });

    await web.deploy(a, ["10.1.230.1"]);
    await web.export(a, { exportedLabels: { tier: "no spaces allowed" } });
    const told = await set.eventually(
      "the export to say why it is not ready",
      () => a.export(web.namespace, web.name),
      (found) =>
        found?.status?.conditions?.some((c) => c.type === "Ready" && c.reason === "Failed") ===
        true,
    );
    const ready = told?.status?.conditions?.find((c) => c.type === "Ready");
    expect(ready?.message).toContain("no spaces allowed");
    expect(await b.import(web.namespace, web.name)).toBeUndefined();

    const other = new ServiceFixture(web.namespace, "other", set.signal);
    await other.deploy(a, ["10.1.230.2"]);
    await other.export(a);
    await set.eventually(
      "others to be exported all the same",
      () => b.backends(web.namespace, "other"),
      (is) => is.length === 1,
    );
  });
});

describe("DNS packets that are not right", () => {
  test("random bytes and broken packets never stop the server", async () => {
    const { dnsPort } = set.cluster(0).processes;
    const random = seededRandom(7);
    const socket = createSocket("udp4");
    for (let i = 0; i < 3_000; i++) {
      const bytes = Uint8Array.from(
        { length: Math.floor(random.next() * 600) },
        () => random.next() * 256,
      );
      // Half of them look like queries, so that they get past the first checks.
      if (i % 2 === 0 && bytes.length > 12) bytes.set([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0], 0);
      await new Promise<void>((resolve) => {
        socket.send(bytes, dnsPort, "127.0.0.1", () => resolve());
      });
    }
    socket.close();
    const answer = await set.eventually(
      "an ordinary question to be answered",
      () => askDns({ port: dnsPort, name: "clusterset.local", type: "SOA" }, systemClock),
      (is) => is !== undefined,
    );
    expect(answer?.rcode).toBe("NOERROR");
    expect(set.cluster(0).processes.dns.isRunning).toBe(true);
  });
});

/** The token with one character changed in each of its parts, and things that are no tokens. */
function forgeries(token: string): readonly string[] {
  const parts = token.split(".");
  const changed = parts
    .slice(0, 4)
    .map((_, index) =>
      parts
        .map((part, at) =>
          at === index ? `${part.startsWith("A") ? "B" : "A"}${part.slice(1)}` : part,
        )
        .join("."),
    );
  return [...changed, "nonsense", ""];
}

function occupiedPort(): Promise<[Server, number]> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve([server, address !== null && typeof address === "object" ? address.port : 0]);
    });
  });
}

function deadKubeconfig(port: number): string {
  return `apiVersion: v1
kind: Config
current-context: dead
clusters: [{ name: dead, cluster: { server: "https://127.0.0.1:${port}", insecure-skip-tls-verify: true } }]
contexts: [{ name: dead, context: { cluster: dead, user: dead } }]
users: [{ name: dead, user: { token: x } }]
`;
}
