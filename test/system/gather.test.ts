import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { NAMESPACES } from "../../api/kube/namespace.ts";
import { SECRETS } from "../../api/kube/secret.ts";
import { serviceExports } from "../../api/mcs/service-export.ts";
import { must } from "../../api/result.ts";
import { connectKube } from "../../cli/cluster/connect-kube.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { startApiServer } from "./api-server.ts";
import { runIsthmus } from "./run-isthmus.ts";

const KEY = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\n-----END PRIVATE KEY-----";
const TOKEN = "isthmus-join.east.Zm9vYmFyc2VjcmV0.pin.hub:8443";
const { signal } = new AbortController();

test("a bundle of an installed member has what helps, and nothing that lets anybody in", async () => {
  await using server = await startApiServer();
  const where = ["--kubeconfig", server.kubeconfig];
  const install = ["install", "member", "--cluster-id", "east", TOKEN, "--apply"];
  expect(await runIsthmus([...install, ...where], signal)).toMatchObject({ code: 0 });
  const { client } = must(connectKube({ kubeconfig: server.kubeconfig }, {}, silentMeter));
  const identity = { resource: SECRETS, namespace: "isthmus-system", name: "isthmus-identity" };
  const data = { "member-identity.json": Buffer.from(JSON.stringify({ KEY })).toString("base64") };
  must(await client.mergePatch(identity, { data }, { signal }));
  const shop = { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } };
  must(await client.create(NAMESPACES, shop, { signal }));
  const annotations = { note: KEY };
  const failing = {
    apiVersion: "multicluster.x-k8s.io/v1beta1",
    kind: "ServiceExport",
    metadata: { namespace: "shop", name: "web", annotations },
  };
  must(await client.create(serviceExports(), failing, { signal }));
  const log = join(server.folder, "controllers.log");
  writeFileSync(log, `${JSON.stringify({ msg: "joined", TOKEN })}\n${KEY}\nlast line\n`);
  const metrics = createServer((_, answer) => answer.end("isthmus_up 1\n"));
  await new Promise<void>((resolve) => metrics.listen(0, "127.0.0.1", resolve));
  const { port } = metrics.address() as AddressInfo;
  const file = join(server.folder, "bundle.tar.gz");
  const argv = ["gather", ...where, "--file", file, "--log", log];
  const gathered = await runIsthmus([...argv, "--metrics", `http://127.0.0.1:${port}/`], signal);
  expect(gathered.code).toBe(0);
  await new Promise((resolve) => metrics.close(resolve));
  execFileSync("tar", ["-xzf", file, "-C", server.folder]);
  const root = join(server.folder, "isthmus");
  const names = readdirSync(root, { recursive: true, encoding: "utf8" });
  expect(names).toEqual(
    expect.arrayContaining([
      "status.txt",
      "explain/1.txt",
      "objects/deployments.apps.json",
      "objects/secrets.json",
      "contents.txt",
    ]),
  );
  const texts = names
    .filter((name) => /\.(json|txt|log)$/.test(name))
    .map((name) => readFileSync(join(root, name), "utf8"));
  const all = texts.join("\n");
  for (const secret of [
    ...["MIGHAgEAMBMGByqGSM49", "Zm9vYmFyc2VjcmV0", data["member-identity.json"]],
    Buffer.from(TOKEN).toString("base64"),
  ]) {
    expect(all).not.toContain(secret);
  }
  for (const helpful of [
    "isthmus-identity",
    "last line",
    "isthmus_up 1",
    "--cluster-id=east",
    "shop/web, seen from",
  ]) {
    expect(all).toContain(helpful);
  }
  // What is there already is never overwritten.
  expect(await runIsthmus(argv, signal)).toMatchObject({
    code: 1,
    problems: [expect.stringContaining("cannot write")],
  });
});
