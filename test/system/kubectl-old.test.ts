import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startApiServer, type TestApiServer } from "./api-server.ts";
import { runCommand } from "./kubectl-command.ts";

// A kubectl as old as Debian's 1.20, which the environment names: sandbox/README.md tells what such a one can do.

const OLD_KUBECTL = process.env["ISTHMUS_TEST_OLD_KUBECTL"] ?? "";
const absence = OLD_KUBECTL === "" ? " (skipped: ISTHMUS_TEST_OLD_KUBECTL names none)" : "";
const CRDS = fileURLToPath(new URL("../../api/crds", import.meta.url));
const MANIFEST = `apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  ports: [{name: http, port: 80}]
---
apiVersion: multicluster.x-k8s.io/v1beta1
kind: ServiceExport
metadata: {name: web}
`;

describe.skipIf(OLD_KUBECTL === "")(`an old kubectl${absence}`, () => {
  let server: TestApiServer;
  let manifest: string;
  beforeAll(async () => {
    server = await startApiServer();
    manifest = join(server.folder, "web.yaml");
    await writeFile(manifest, MANIFEST);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const kubectl = (...args: readonly string[]) =>
    runCommand(OLD_KUBECTL, args, { KUBECONFIG: server.kubeconfig, HOME: server.folder });
  async function must(...args: readonly string[]): Promise<string> {
    const { code, out } = await kubectl(...args);
    expect(code, `kubectl ${args.join(" ")}: ${out}`).toBe(0);
    return out;
  }

  test("applies, gets, changes and deletes", async () => {
    const apply = ["apply", "--validate=false", "-f"];
    await must(...apply, CRDS);
    await must("wait", "--for=condition=Established", "crd", "--all", "--timeout=10s");
    expect(await must(...apply, manifest)).toBe(
      "service/web created\nserviceexport.multicluster.x-k8s.io/web created\n",
    );
    expect(await must(...apply, manifest)).toContain("service/web unchanged");
    expect(await must("get", "service,svcex", "-o", "name")).toBe(
      "service/kubernetes\nservice/web\nserviceexport.multicluster.x-k8s.io/web\n",
    );
    await must("label", "service", "web", "a=b");
    await must("patch", "service", "web", "-p", '{"spec":{"ports":[{"name":"x","port":81}]}}');
    expect(await must("get", "service", "web", "--show-labels")).toMatch(/81\/TCP,80\/TCP .* a=b/);
    await must("create", "deployment", "web", "--image=nginx");
    await must("describe", "service", "web");
    await must("delete", "-f", manifest);
    await must("create", "namespace", "gone");
    await must("delete", "namespace", "gone", "--timeout=20s");
    expect((await kubectl("get", "namespace", "gone")).out).toContain("(NotFound)");
  });
});
