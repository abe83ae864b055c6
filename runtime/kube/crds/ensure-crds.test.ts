import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { CustomResourceDefinition } from "../../../api/kube/custom-resource-definition.ts";
import type { KubeObject } from "../../../api/kube/object.ts";
import type { Result } from "../../../api/result.ts";
import { err, ok } from "../../../api/result.ts";
import packageJson from "../../../package.json" with { type: "json" };
import { VirtualClock } from "../../clock/virtual-clock.ts";
import type { KubeClient } from "../kube-client.ts";
import type { KubeError } from "../kube-error.ts";
import { decideCrd } from "./crd-release.ts";
import { ensureCrds } from "./ensure-crds.ts";
import { readCrdManifests } from "./read-crd-manifests.ts";

function aCrd(release?: string, revision?: string, kind = "Thing"): CustomResourceDefinition {
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: {
      name: "things.example.com",
      labels: {
        ...(release !== undefined && { "multicluster.x-k8s.io/release-version": release }),
        ...(revision !== undefined && { "multicluster.x-k8s.io/crd-schema-revision": revision }),
      },
    },
    spec: {
      group: "example.com",
      names: { plural: "things", kind },
      scope: "Namespaced",
      versions: [],
    },
  };
}

describe("decideCrd (VER-07)", () => {
  const ours = aCrd("v0.5.0", "1");
  test.each([
    { name: "absent", installed: undefined, want: "install" },
    { name: "same", installed: aCrd("v0.5.0", "1"), want: "keep" },
    { name: "older revision", installed: aCrd("v0.5.0", "0"), want: "replace" },
    { name: "newer revision", installed: aCrd("v0.5.0", "2"), want: "keep" },
    { name: "older release, higher revision", installed: aCrd("v0.4.9", "7"), want: "replace" },
    { name: "newer release, lower revision", installed: aCrd("v0.5.1", "0"), want: "keep" },
    { name: "numbers, not text", installed: aCrd("v0.10.0", "0"), want: "keep" },
    { name: "no labels", installed: aCrd(), want: "replace" },
    { name: "no revision", installed: aCrd("v9.0.0"), want: "replace" },
    { name: "unreadable release", installed: aCrd("latest", "0"), want: "replace" },
    { name: "unreadable revision", installed: aCrd("v0.5.0", "x"), want: "replace" },
  ])("$name: $want", ({ installed, want }) => {
    expect(decideCrd(ours, installed)).toBe(want);
  });

  test("a manifest that claims no release fills an absence only", () => {
    expect(decideCrd(aCrd(), undefined)).toBe("install");
    expect(decideCrd(aCrd(), aCrd())).toBe("keep");
  });
});

describe("our own kinds (VER-07)", () => {
  const directory = fileURLToPath(new URL("../../../api/crds", import.meta.url));
  const ours = [...readCrdManifests(directory), ...readCrdManifests(`${directory}/hub`)].filter(
    ({ spec: { group } }) => group.endsWith("isthmus.dev"),
  );

  test.each(ours.map((crd) => [crd.metadata.name, crd] as const))(
    "%s says its release, so that an earlier one is replaced and a later one kept",
    (_name, crd) => {
      const relabelled = (change: Record<string, string> | undefined) => ({
        ...crd,
        metadata: { name: crd.metadata.name, ...(change && { labels: change }) },
      });
      const release = crd.metadata.labels?.["isthmus.dev/release-version"] ?? "";
      const revision = Number(crd.metadata.labels?.["isthmus.dev/crd-schema-revision"]);
      const of = (text: string, count: number) => ({
        "isthmus.dev/release-version": text,
        "isthmus.dev/crd-schema-revision": String(count),
      });
      expect(decideCrd(crd, relabelled(undefined))).toBe("replace");
      expect(decideCrd(crd, relabelled(of(release, revision - 1)))).toBe("replace");
      expect(decideCrd(crd, relabelled(of(release, revision)))).toBe("keep");
      expect(decideCrd(crd, relabelled(of(release, revision + 1)))).toBe("keep");
      expect(decideCrd(crd, relabelled(of("v0.0.9", 9)))).toBe("replace");
      expect(decideCrd(crd, relabelled(of("v99.0.0", 0)))).toBe("keep");
    },
  );

  test("they are of this release", () => {
    const releases = ours.map(({ metadata }) => metadata.labels?.["isthmus.dev/release-version"]);
    expect(releases.length).toBeGreaterThanOrEqual(4);
    expect(new Set(releases)).toEqual(new Set([`v${packageJson.version}`]));
  });
});

/** Holds one CRD; `onWrite` is what the cluster does about a write. */
function aCluster(installed: KubeObject | undefined, onWrite?: () => KubeError | undefined) {
  const cluster = { installed, writes: 0, established: true };
  const conditions = () => [
    { type: "Established", status: cluster.established ? "True" : "False", message: "" },
  ];
  const write = <T extends KubeObject>(object: T): Promise<Result<T, KubeError>> => {
    cluster.writes += 1;
    const error = onWrite?.();
    if (error !== undefined) return Promise.resolve(err(error));
    cluster.installed = object;
    return Promise.resolve(ok(object));
  };
  const client: Pick<KubeClient, "get" | "create" | "update"> = {
    get: <T extends KubeObject>() =>
      Promise.resolve<Result<T, KubeError>>(
        cluster.installed === undefined
          ? err({ kind: "not-found", message: "none" })
          : ok({ ...cluster.installed, status: { conditions: conditions() } } as unknown as T),
      ),
    create: (_, object) => write(object),
    update: (_, object) => write(object),
  };
  return { cluster, client };
}

describe("ensureCrds", () => {
  const { signal } = new AbortController();
  const clock = new VirtualClock();

  test("installs, then leaves alone", async () => {
    const { client, cluster } = aCluster(undefined);
    const ours = [aCrd("v0.5.0", "1")];
    const name = "things.example.com";
    expect(await ensureCrds(ours, { client, clock }, signal)).toEqual(
      ok([{ name, decision: "install" }]),
    );
    expect(await ensureCrds(ours, { client, clock }, signal)).toEqual(
      ok([{ name, decision: "keep" }]),
    );
    expect(cluster.writes).toBe(1);
  });

  test("a replaced one keeps what others put on it", async () => {
    const old = aCrd("v0.4.0", "0", "Old");
    const metadata = { ...old.metadata, resourceVersion: "7", annotations: { theirs: "x" } };
    const labels = { ...metadata.labels, helm: "yes" };
    const { client, cluster } = aCluster({ ...old, metadata: { ...metadata, labels } });
    expect((await ensureCrds([aCrd("v0.5.0", "1", "New")], { client, clock }, signal)).ok).toBe(
      true,
    );
    expect(cluster.installed).toMatchObject({
      metadata: {
        resourceVersion: "7",
        annotations: { theirs: "x" },
        labels: { helm: "yes", "multicluster.x-k8s.io/release-version": "v0.5.0" },
      },
      spec: { names: { kind: "New" } },
    });
  });

  test("a lost race is looked at again; a refusal is told; both are bounded", async () => {
    const conflict: KubeError = { kind: "conflict", message: "changed meanwhile" };
    const errors: (KubeError | undefined)[] = [conflict, conflict, undefined];
    const raced = aCluster(aCrd(), () => errors.shift());
    expect(
      (await ensureCrds([aCrd("v0.5.0", "1")], { client: raced.client, clock }, signal)).ok,
    ).toBe(true);
    expect(raced.cluster.writes).toBe(3);
    const always = aCluster(aCrd(), () => conflict);
    await ensureCrds([aCrd("v0.5.0", "1")], { client: always.client, clock }, signal);
    expect(always.cluster.writes).toBe(5);
    const refused = aCluster(undefined, () => ({ kind: "forbidden", message: "may not create" }));
    expect(
      await ensureCrds([aCrd("v0.5.0", "1")], { client: refused.client, clock }, signal),
    ).toEqual(err("cannot install CRD things.example.com: may not create"));
  });

  test("waits until the CRD is established, within a bound", async () => {
    const { client, cluster } = aCluster(undefined);
    cluster.established = false;
    const waiting = ensureCrds([aCrd("v0.5.0", "1")], { client, clock }, signal);
    await clock.advance(1_000);
    cluster.established = true;
    await clock.advance(300);
    expect((await waiting).ok).toBe(true);
    cluster.established = false;
    const forever = ensureCrds([aCrd("v0.5.0", "1")], { client, clock }, signal);
    await clock.advance(31_000);
    expect(await forever).toEqual(
      err("CRD things.example.com is not served: it was not established in time"),
    );
  });
});

test("the project's own manifests can be read and claim a release where VER-07 wants one", () => {
  const manifests = readCrdManifests(fileURLToPath(new URL("../../../api/crds", import.meta.url)));
  expect(manifests.map(({ metadata }) => metadata.name)).toContain(
    "serviceimports.multicluster.x-k8s.io",
  );
  for (const manifest of manifests) {
    if (manifest.spec.group !== "multicluster.x-k8s.io") continue;
    expect(decideCrd(manifest, manifest)).toBe("keep");
    expect(decideCrd(manifest, aCrd("v0.4.0", "0"))).toBe("replace");
  }
});
