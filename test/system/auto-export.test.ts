import { expect, test } from "vitest";
import { apiVersionOf } from "../../api/kube/object.ts";
import { SERVICES, type Service } from "../../api/kube/service.ts";
import { LABEL_MANAGED_BY, MANAGED_BY } from "../../api/mcs/labels.ts";
import { serviceExports } from "../../api/mcs/service-export.ts";
import { must } from "../../api/result.ts";
import { connectKube } from "../../cli/cluster/connect-kube.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { startApiServer } from "./api-server.ts";
import { runIsthmus } from "./run-isthmus.ts";

const { signal } = new AbortController();
const TOKEN = "isthmus-join.east.Zm9v.pin.hub:8443";

test("auto-export shows what would be exported, and what the quota leaves out, and writes nothing", async () => {
  await using server = await startApiServer();
  const where = ["--kubeconfig", server.kubeconfig];
  const install = ["install", "member", "--cluster-id", "east", TOKEN, "--apply", ...where];
  const rules = ["--auto-export-selector", "tier=web", "--auto-export-per-namespace", "1"];
  expect(await runIsthmus([...install, ...rules], signal)).toMatchObject({ code: 0 });
  const { client } = must(connectKube({ kubeconfig: server.kubeconfig }, {}, silentMeter));
  for (const [name, tier] of [
    ["a", "web"],
    ["b", "web"],
    ["c", "web"],
    ["d", "db"],
  ] as const) {
    const metadata = { namespace: "default", name, labels: { tier } };
    const spec = { selector: { app: name }, ports: [{ port: 80 }] };
    const service: Service = { apiVersion: "v1", kind: "Service", metadata, spec };
    must(await client.create(SERVICES, service, { signal }));
  }
  const resource = serviceExports();
  const object = {
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    metadata: { namespace: "default", name: "c" },
  };
  must(await client.create(resource, object, { signal }));
  const asked = await runIsthmus(["auto-export", "-o", "json", ...where], signal);
  expect(JSON.parse(asked.lines.join("\n"))).toEqual({
    ...{ isOn: false, perNamespace: 1, perCluster: 200 },
    services: [
      { service: "default/a", state: "to be exported" },
      {
        service: "default/b",
        state: "over the quota",
        reason: "the quota of its namespace, 1, is used up",
      },
      { service: "default/c", state: "by a user" },
    ],
  });
  const other = await runIsthmus(["auto-export", "--selector", "tier=db", ...where], signal);
  expect(other.lines.join("\n")).toContain("default/d  to be exported");
  const bad = await runIsthmus(["auto-export", "--selector", "=", ...where], signal);
  expect(bad.code).toBe(1);
  expect(bad.problems.join()).toContain("must be a label selector");
  const { items } = must(await client.list(resource, {}, { signal }));
  expect(items.map(({ metadata }) => metadata.name)).toEqual(["c"]);

  // As controllers make them.
  const labels = { [LABEL_MANAGED_BY]: MANAGED_BY };
  const made = { ...object, metadata: { namespace: "default", name: "a", labels } };
  must(await client.create(resource, made, { signal }));
  for (const [name, told] of [
    ["a", /^default\/a was exported by its labels, and will be again/],
    ["c", /^$/],
  ] as const) {
    const ended = await runIsthmus(["unexport", name, "--namespace", "default", ...where], signal);
    expect(ended).toMatchObject({ code: 0, lines: [`default/${name} unexported`] });
    expect(ended.problems.join()).toMatch(told);
  }
});
