import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startApiServer, type TestApiServer } from "./api-server.ts";
import { type Outcome, runCommand } from "./kubectl-command.ts";

// The real kubectl against the embedded API server, command by command.

const CRDS = fileURLToPath(new URL("../../api/crds", import.meta.url));
const MANIFEST = `apiVersion: v1
kind: Service
metadata:
  name: web
  labels:
    tier: front
spec:
  selector:
    app: web
  ports:
  - name: http
    port: 80
    targetPort: 8080
---
apiVersion: multicluster.x-k8s.io/v1beta1
kind: ServiceExport
metadata:
  name: web
`;

const HELD = JSON.stringify({ metadata: { finalizers: ["example.com/hold"] } });
const RELEASED = JSON.stringify({ metadata: { finalizers: null } });

const isInstalled = (await runCommand("kubectl", ["version", "--client"], {})).code === 0;
if (!isInstalled && process.env["CI"] === "true") {
  throw new Error("cannot test with kubectl: must be on the PATH when CI=true: not found");
}

const absence = isInstalled ? "" : " (skipped: kubectl is not on the PATH)";

describe.skipIf(!isInstalled)(`kubectl${absence}`, () => {
  let server: TestApiServer;
  let manifest: string;
  let environment: Readonly<Record<string, string>>;

  beforeAll(async () => {
    server = await startApiServer();
    environment = { KUBECONFIG: server.kubeconfig, HOME: server.folder };
    manifest = join(server.folder, "web.yaml");
    await writeFile(manifest, MANIFEST);
    await must("apply", "-f", CRDS);
    await must("wait", "--for=condition=Established", "crd", "--all", "--timeout=10s");
  });
  afterAll(() => server[Symbol.asyncDispose]());

  function kubectl(...args: readonly string[]): Promise<Outcome> {
    return runCommand("kubectl", args, environment);
  }

  /** The output of a command that has to succeed. */
  async function must(...args: readonly string[]): Promise<string> {
    const { code, out } = await kubectl(...args);
    expect(code, `kubectl ${args.join(" ")}: ${out}`).toBe(0);
    return out;
  }

  /** A namespace of its own, with the manifest in it. */
  async function withManifest(namespace: string): Promise<readonly string[]> {
    await must("create", "namespace", namespace);
    await must("apply", "-n", namespace, "-f", manifest);
    return ["-n", namespace];
  }

  test("create takes what kubectl sends as protobuf", async () => {
    await must("create", "namespace", "made");
    const inside = ["-n", "made"];
    await must("create", "configmap", "c", "--from-literal=a=b", "--from-literal=none=", ...inside);
    await must("create", "secret", "generic", "s", "--from-literal=p=q", ...inside);
    await must("create", "service", "clusterip", "web", "--tcp=80:http", ...inside);
    await must("create", "serviceaccount", "bot", ...inside);
    expect(await must("get", "configmap", "c", "-o", "jsonpath={.data}", ...inside)).toBe(
      '{"a":"b","none":""}',
    );
    expect(await must("get", "secret", "s", "-o", "jsonpath={.data.p}", ...inside)).toBe("cQ==");
    const port = "jsonpath={.spec.ports[0].port}/{.spec.ports[0].targetPort}";
    expect(await must("get", "service", "web", "-o", port, ...inside)).toBe("80/http");
    expect(await must("create", "token", "bot", ...inside)).toMatch(/^eyJ.*\..*\./);
    expect(await must("auth", "can-i", "create", "serviceexports")).toBe("yes\n");
  });

  test("get prints tables, wide tables, YAML and JSON", async () => {
    const inside = await withManifest("gets");
    const [header, row] = (await must("get", "service", "web", "-o", "wide", ...inside)).split(
      "\n",
    );
    expect(header?.split(/\s+/)).toEqual(
      "NAME TYPE CLUSTER-IP EXTERNAL-IP PORT(S) AGE SELECTOR".split(" "),
    );
    expect(row).toMatch(/^web +ClusterIP +10\.101\.\d+\.\d+ +<none> +80\/TCP +\d+s +app=web/);
    expect(await must("get", "serviceexport", "web", "-o", "yaml", ...inside)).toMatch(
      /^apiVersion: multicluster.x-k8s.io\/v1beta1\nkind: ServiceExport\n/,
    );
    const json: unknown = JSON.parse(await must("get", "svcex", "-A", "-o", "json"));
    expect(json).toMatchObject({ kind: "List", items: [{ kind: "ServiceExport" }] });
    expect(await must("get", "services", "-l", "tier notin (back)", "-o", "name", ...inside)).toBe(
      "service/web\n",
    );
    expect((await kubectl("get", "service", "none", ...inside)).out).toContain(
      'Error from server (NotFound): services "none" not found',
    );
  });

  test("apply, diff and replace change only what changed", async () => {
    const inside = await withManifest("applies");
    expect(await must("apply", "-f", manifest, ...inside)).toContain("service/web unchanged");
    const changed = join(server.folder, "changed.yaml");
    await writeFile(changed, MANIFEST.replace("port: 80\n", "port: 81\n"));
    const diff = await kubectl("diff", "-f", changed, ...inside);
    expect(diff).toMatchObject({ code: 1 });
    expect(diff.out).toMatch(/^-\s+port: 80\n\+\s+port: 81$/m);
    expect(await must("apply", "-f", changed, ...inside)).toContain("service/web configured");
    const port = "jsonpath={.spec.ports[*].port}";
    expect(await must("get", "service", "web", "-o", port, ...inside)).toBe("81");
    const object = await must("get", "service", "web", "-o", "yaml", ...inside);
    const replacement = join(server.folder, "replacement.yaml");
    await writeFile(replacement, object.replace("tier: front", "tier: back"));
    await must("replace", "-f", replacement, ...inside);
    expect((await kubectl("replace", "-f", replacement, ...inside)).out).toContain("(Conflict)");
  });

  test("server-side apply takes over, and tells conflicts", async () => {
    const inside = await withManifest("ssa");
    const apply = ["apply", "--server-side", "-f", manifest, ...inside];
    expect(await must(...apply, "--field-manager=a", "--force-conflicts")).not.toContain("Warning");
    const changed = join(server.folder, "ssa.yaml");
    await writeFile(changed, MANIFEST.replace("targetPort: 8080", "targetPort: 9090"));
    const conflict = ["apply", "--server-side", "-f", changed, "--field-manager=b", ...inside];
    expect((await kubectl(...conflict)).out).toContain('conflict with "a"');
    expect(await must(...conflict, "--force-conflicts")).toContain(
      "service/web serverside-applied",
    );
  });

  test("server-side apply takes over what client-side apply set, and names every unknown field", async () => {
    const inside = await withManifest("migrates");
    const changed = join(server.folder, "migrate.yaml");
    await writeFile(changed, MANIFEST.replace("tier: front", "tier: back"));
    const apply = ["apply", "--server-side", "-f", changed, ...inside];
    expect(await must(...apply)).toBe(
      "service/web serverside-applied\nserviceexport.multicluster.x-k8s.io/web serverside-applied\n",
    );
    // The annotation followed, so that client-side apply still knows what was applied last.
    expect(await must("apply", "view-last-applied", "service/web", ...inside)).toContain(
      "tier: back",
    );
    expect(await must(...apply)).toContain("service/web serverside-applied");
    await writeFile(
      changed,
      MANIFEST.replace("targetPort: 8080", "targetPorts: 8080\n    nope: 1"),
    );
    const { out } = await kubectl(...apply, "--validate=false");
    expect(out).toContain("(migrates/web; /v1, Kind=Service): errors:\n");
    for (const name of ["targetPorts", "nope"]) {
      const path = `.spec.ports[port=80,protocol="TCP"].${name}`;
      expect(out).toContain(`\n  ${path}: field not declared in schema\n`);
    }
  });

  test("edit changes an object, and keeps what cannot be", async () => {
    const inside = await withManifest("edits");
    const editor = async (name: string, script: string): Promise<string> => {
      const path = join(server.folder, name);
      await writeFile(path, `#!/bin/sh\nsed -i '${script}' "$1"\n`, { mode: 0o700 });
      return path;
    };
    const edit = (path: string) =>
      runCommand("kubectl", ["edit", "service", "web", ...inside], {
        ...environment,
        KUBE_EDITOR: path,
      });
    expect(await edit(await editor("good", "s/port: 80$/port: 82/"))).toMatchObject({
      code: 0,
      out: "service/web edited\n",
    });
    const bad = await edit(await editor("bad", "s/port: 82$/port: xx/"));
    expect(bad.out).toContain('services "web" is invalid');
    expect(bad.out).toContain("Edit cancelled, no valid changes were saved.");
    const port = ["get", "service", "web", "-o", "jsonpath={.spec.ports[0].port}", ...inside];
    expect(await must(...port)).toBe("82");
  });

  test("patch, label and annotate", async () => {
    const inside = await withManifest("patches");
    const patch = (type: string, kind: string, body: unknown) =>
      must("patch", kind, "web", `--type=${type}`, "-p", JSON.stringify(body), ...inside);
    await patch("strategic", "service", { spec: { ports: [{ name: "dns", port: 53 }] } });
    await patch("json", "service", [{ op: "add", path: "/metadata/labels/j", value: "1" }]);
    await patch("merge", "serviceexport", { metadata: { labels: { m: "1" } } });
    await must("label", "service", "web", "l=1", "tier-", ...inside);
    await must("annotate", "serviceexport", "web", "n=1", ...inside);
    const ports = "jsonpath={.spec.ports[*].port} {.metadata.labels}";
    expect(await must("get", "service", "web", "-o", ports, ...inside)).toBe(
      '53 80 {"j":"1","l":"1"}',
    );
    expect(
      await must("get", "svcex", "web", "-o", "jsonpath={.metadata.labels.m}", ...inside),
    ).toBe("1");
    const refused = await kubectl("patch", "svcex", "web", "-p", "{}", ...inside);
    expect(refused.out).toContain("application/strategic-merge-patch+json is not supported");
  });

  test.each([
    { kind: "service", lines: [/^Name: +web$/m, /^Port: +http +80\/TCP$/m, /^Events: +<none>$/m] },
    { kind: "serviceexport", lines: [/^Kind: +ServiceExport$/m, /^Events: +<none>$/m] },
    { kind: "namespace/default", lines: [/^Status: +Active$/m] },
  ])("describe $kind", async ({ kind, lines }) => {
    const namespace = `describe-${kind.replace("/", "-")}`;
    const inside = await withManifest(namespace);
    const what = kind.includes("/") ? [kind] : [kind, "web", ...inside];
    const out = await must("describe", ...what);
    for (const line of lines) expect(out).toMatch(line);
  });

  test.each([
    { path: "serviceexport.spec", want: "exportedLabels" },
    { path: "service.spec.ports", want: "targetPort" },
  ])("explain $path", async ({ path, want }) => {
    expect(await must("explain", path)).toContain(want);
  });

  test("api-resources and api-versions tell what is served", async () => {
    expect(await must("api-resources", "--api-group=multicluster.x-k8s.io", "-o", "name")).toBe(
      "serviceexports.multicluster.x-k8s.io\nserviceimports.multicluster.x-k8s.io\n",
    );
    expect(await must("api-versions")).toContain("multicluster.x-k8s.io/v1alpha1\n");
  });

  test("watch prints changes as they come", async () => {
    const inside = await withManifest("watches");
    const watching = spawn("kubectl", ["get", "services", "-w", "-o", "name", ...inside], {
      env: { ...process.env, ...environment },
    });
    let out = "";
    watching.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
    });
    await expect.poll(() => out, { timeout: 10_000 }).toBe("service/web\n");
    await must("label", "service", "web", "seen=1", ...inside);
    await must("delete", "service", "web", ...inside);
    const three = "service/web\n".repeat(3);
    await expect.poll(() => out, { timeout: 10_000 }).toBe(three);
    watching.kill();
    await once(watching, "exit");
  });

  test("delete waits until objects and namespaces are gone", async () => {
    const inside = await withManifest("deletes");
    await must("patch", "service", "web", "-p", HELD, ...inside);
    const deleting = kubectl("delete", "namespace", "deletes", "--timeout=20s");
    const phase = ["get", "namespace", "deletes", "-o", "jsonpath={.status.phase}"];
    await expect.poll(async () => (await kubectl(...phase)).out).toBe("Terminating");
    const late = await kubectl("create", "configmap", "late", ...inside);
    expect(late.out).toContain("because it is being terminated");
    await must("patch", "service", "web", "--type=merge", "-p", RELEASED, ...inside);
    expect(await deleting).toMatchObject({ code: 0 });
    expect((await kubectl("get", "namespace", "deletes")).out).toContain("(NotFound)");
  });
});
