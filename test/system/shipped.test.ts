import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { NAMESPACES } from "../../api/kube/namespace.ts";
import { serviceImports } from "../../api/mcs/service-import.ts";
import { Asker } from "../../bench/dns/ask.ts";
import { connectKube } from "../../cli/cluster/connect-kube.ts";
import { VERBS } from "../../cli/verb-table.ts";
import { aNamespace, anImport } from "../../dns-server/testing/objects.ts";
import { ROOT } from "../../packaging/bundle.ts";
import { NOT_SHIPPED, PROGRAMS } from "../../packaging/programs.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { freePorts } from "../../sandbox/process/free-ports.ts";
import { startApiServer, type TestApiServer } from "./api-server.ts";

// What an image holds, started from a folder of its own that nobody may write to, far from the checkout and its dependencies.

/** As the image runs them, where we may choose (root). */
const NOBODY = process.getuid?.() === 0 ? { uid: 65532, gid: 65532 } : {};

const folder = mkdtempSync(join(tmpdir(), "isthmus-shipped-"));
const app = join(folder, "app");
const data = join(folder, "data");
const children: ChildProcess[] = [];
let apiServer: TestApiServer;

beforeAll(async () => {
  execFileSync(process.execPath, [join(ROOT, "packaging/build.ts"), "--out", app], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  execFileSync("mkdir", ["-m", "777", data]);
  execFileSync("chmod", ["-R", "a-w,a+rX", app]);
  chmodSync(folder, 0o755);
  apiServer = await startApiServer();
}, 120_000);

afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
  await apiServer[Symbol.asyncDispose]();
  execFileSync("chmod", ["-R", "u+w", app]);
  rmSync(folder, { recursive: true, force: true });
});

const file = (program: string): string => join(app, "bin", `${program}.mjs`);
const surroundings = { ...NOBODY, cwd: data, env: { PATH: process.env["PATH"], HOME: data } };

/** Not blocking: the API server is in this process. */
async function run(program: string, ...args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [file(program), ...args], {
    ...surroundings,
    timeout: 60_000,
  });
  expect(stderr, `${program} ${args.join(" ")}`).toBe("");
  return stdout;
}

function start(program: string, ...args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [file(program), ...args], {
    ...surroundings,
    stdio: ["ignore", "ignore", "inherit"],
  });
  children.push(child);
  return child;
}

async function ready(port: number): Promise<void> {
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
    if (response?.ok === true) return;
    await sleep(50);
  }
}

test("every verb is in a program, in that of the command line and in that of its process, or is named as left out", async () => {
  const verbs = VERBS.map(({ path }) => path.join(" "));
  for (const name of [...Object.values(PROGRAMS).flat(), ...NOT_SHIPPED]) {
    expect(verbs).toContain(name);
  }
  const lines = await run("isthmus", "help");
  for (const { path, hidden } of VERBS) {
    const isListed = lines.includes(`\n  ${path.join(" ").padEnd(16)} `);
    const isShipped = !NOT_SHIPPED.includes(path.join(" ")) && hidden !== true;
    expect({ verb: path.join(" "), isListed }).toEqual({
      verb: path.join(" "),
      isListed: isShipped,
    });
  }
});

test("an image says what is in it: licences of all code, and a bill of materials", () => {
  const licences = readFileSync(join(app, "LICENCES.txt"), "utf8");
  for (const name of ["@grpc/grpc-js", "pino", "dns-packet", "zod"]) {
    expect(licences).toMatch(new RegExp(`^${name} \\d`, "m"));
  }
  expect(licences).not.toContain("vitest");
  const sbom = JSON.parse(readFileSync(join(app, "sbom.cdx.json"), "utf8")) as {
    readonly bomFormat: string;
    readonly components: readonly { readonly name: string; readonly version: string }[];
  };
  expect(sbom.bomFormat).toBe("CycloneDX");
  // Development tools need these too.
  expect(sbom.components.map(({ name }) => name)).toEqual(
    expect.arrayContaining(["yaml", "@bufbuild/protobuf"]),
  );
  const [, listed = ""] = licences.split("\n\n");
  expect(sbom.components.map(({ name, version }) => `${name} ${version}`)).toEqual(
    listed.split("\n").map((line) => line.split(":")[0]),
  );
  expect(existsSync(join(app, "LICENSE"))).toBe(true);
});

test("broker, join and controllers work from one file each, as nobody, on a folder that is not theirs to write", async () => {
  const [port = 0, health = 0, memberHealth = 0] = await freePorts(3, systemRandom);
  start(
    "broker",
    "broker",
    `--data-dir=${join(data, "hub")}`,
    `--listen=127.0.0.1:${port}`,
    `--health-listen=127.0.0.1:${health}`,
  );
  await ready(health);
  const output = await run(
    "isthmus",
    "token",
    "create",
    `--data-dir=${join(data, "hub")}`,
    "--cluster=east",
    `--broker=127.0.0.1:${port}`,
  );
  const token = output.trim();
  const identity = join(data, "east");
  await run("controllers", "join", "--cluster-id=east", `--identity-dir=${identity}`, token);
  execFileSync("chmod", ["a+r", apiServer.kubeconfig]);
  execFileSync("cp", [apiServer.kubeconfig, join(data, "kubeconfig")]);
  execFileSync("chmod", ["a+r", join(data, "kubeconfig")]);
  const kubeconfig = `--kubeconfig=${join(data, "kubeconfig")}`;
  await run("isthmus", "crds", "--apply", kubeconfig);
  expect(await run("isthmus", "manifests")).toContain("kind: ValidatingAdmissionPolicy");
  const controllers = start(
    "controllers",
    "controllers",
    kubeconfig,
    `--identity-dir=${identity}`,
    `--health-listen=127.0.0.1:${memberHealth}`,
    "--log-level=error",
  );
  await ready(memberHealth);
  controllers.kill("SIGTERM");
  const [code] = await once(controllers, "exit");
  expect(code).toBe(0);
}, 120_000);

test("dns answers, with two workers: each is a process of the same file", async () => {
  const kube = connectKube({ kubeconfig: apiServer.kubeconfig }, {}, silentMeter);
  if (!kube.ok) throw new Error(kube.error);
  const { signal } = new AbortController();
  const { client } = kube.value;
  await client.create(NAMESPACES, aNamespace("shop"), { signal });
  await client.create(serviceImports(), anImport({ ips: ["10.96.0.1"] }), { signal });
  const [port = 0, health = 0] = await freePorts(2, systemRandom);
  start(
    "dns",
    "dns",
    `--kubeconfig=${join(data, "kubeconfig")}`,
    `--listen=127.0.0.1:${port}`,
    `--health-listen=127.0.0.1:${health}`,
    "--workers=2",
  );
  await ready(health);
  using asker = new Asker(port);
  expect(await asker.ask("web.shop.svc.clusterset.local A")).toContain("10.96.0.1");
}, 120_000);
