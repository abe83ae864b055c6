import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { err, ok } from "../../../api/result.ts";
import { loadKubeConfig } from "./load-kube-config.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "isthmus-kubeconfig-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

function aConfig({
  current = "one",
  server = "https://one:6443",
  names = ["one", "two"],
} = {}): string {
  return [
    `current-context: ${JSON.stringify(current)}`,
    `clusters: [{name: c, cluster: {server: "${server}", certificate-authority: ca.crt}}]`,
    "users: [{name: u, user: {client-certificate: pki/u.crt, client-key: /abs/u.key}}, {name: t, user: {tokenFile: tok, token: old}}]",
    "contexts:",
    ...names.map(
      (name) => `- {name: ${name}, context: {cluster: c, user: u, namespace: ns-${name}}}`,
    ),
    "- {name: token, context: {cluster: c, user: t}}",
    "- {name: nobody, context: {cluster: c}}",
    "- {name: no-cluster, context: {cluster: x, user: u}}",
    "- {name: no-user, context: {cluster: c, user: x}}",
  ].join("\n");
}

describe("loadKubeConfig", () => {
  test("takes the current context; paths count from the file", () => {
    const kubeconfig = write("config", aConfig());
    expect(loadKubeConfig({ kubeconfig, env: {} })).toMatchObject(
      ok({
        context: "one",
        namespace: "ns-one",
        cluster: { server: "https://one:6443", caFile: join(directory, "ca.crt") },
        user: { name: "u", certFile: join(directory, "pki/u.crt"), keyFile: "/abs/u.key" },
      }),
    );
  });

  test("takes the named context, tokenFile and a context without user", () => {
    const kubeconfig = write("config", aConfig());
    expect(loadKubeConfig({ kubeconfig, context: "two", env: {} })).toMatchObject(
      ok({ context: "two", namespace: "ns-two" }),
    );
    expect(loadKubeConfig({ kubeconfig, context: "token", env: {} })).toMatchObject(
      ok({ user: { token: "", authProvider: { config: { tokenFile: join(directory, "tok") } } } }),
    );
    expect(loadKubeConfig({ kubeconfig, context: "nobody", env: {} })).toMatchObject(
      ok({ user: { name: "anonymous" } }),
    );
  });

  test.each([
    {
      name: "unknown context",
      context: "three",
      text: aConfig(),
      want: 'no context "three": it has one, two, token, nobody, no-cluster, no-user',
    },
    {
      name: "no current context",
      text: aConfig({ current: "" }),
      want: "current-context is not set",
    },
    { name: "empty mapping", text: "{}", want: "it has no contexts" },
    { name: "unknown cluster", context: "no-cluster", text: aConfig(), want: 'names cluster "x"' },
    { name: "unknown user", context: "no-user", text: aConfig(), want: 'names user "x"' },
    {
      name: "server that is no URL",
      text: aConfig({ server: "one:6443" }),
      want: 'must be an http or https URL: got "one:6443"',
    },
    { name: "no YAML", text: "{", want: "cannot parse kubeconfig" },
    { name: "a list", text: "[]", want: "must be a YAML mapping" },
    { name: "an empty file", text: "", want: "must be a YAML mapping" },
    {
      name: "cluster without server",
      text: "clusters: [{name: c, cluster: {}}]",
      want: "clusters[0].cluster.server is missing",
    },
  ])("$name: says so, with the file", ({ context, text, want }) => {
    const kubeconfig = write("config", text);
    const got = loadKubeConfig({ kubeconfig, env: {}, ...(context && { context }) });
    expect(got).toEqual(err(expect.stringContaining(want)));
    expect(got).toEqual(err(expect.stringContaining(kubeconfig)));
  });

  test("a given file that is missing is an error, whatever else there is", () => {
    const env = { KUBECONFIG: write("config", aConfig()) };
    const kubeconfig = join(directory, "none");
    expect(loadKubeConfig({ kubeconfig, env })).toEqual(
      err(`cannot read kubeconfig ${kubeconfig}: no such file`),
    );
  });

  test("KUBECONFIG may list files: missing ones are skipped, the first entry of a name counts", () => {
    const one = write("one", aConfig({ server: "https://first" }));
    const two = write(
      "two",
      aConfig({ server: "https://second", current: "extra", names: ["extra"] }),
    );
    const env = { KUBECONFIG: [join(directory, "none"), one, two].join(delimiter) };
    expect(loadKubeConfig({ env })).toMatchObject(
      ok({ context: "one", cluster: { server: "https://first" } }),
    );
    expect(loadKubeConfig({ context: "extra", env })).toMatchObject(
      ok({ cluster: { server: "https://first" } }),
    );
    const none = { KUBECONFIG: join(directory, "none") };
    expect(loadKubeConfig({ env: none })).toEqual(
      err(expect.stringContaining("none of these files")),
    );
  });

  test("then ~/.kube/config, then the pod, then words about where it looked", () => {
    const pod = { KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "443" };
    write("token", "secret\n");
    write("namespace", "isthmus\n");
    const source = { serviceAccountDirectory: directory };
    const env = { HOME: directory };
    expect(loadKubeConfig({ env })).toEqual(
      err(
        `cannot find a cluster: no kubeconfig given, KUBECONFIG is not set, ${join(directory, ".kube", "config")} is not there and this is not a pod`,
      ),
    );
    expect(loadKubeConfig({ ...source, env: { ...env, ...pod } })).toMatchObject(
      ok({
        context: "in-cluster",
        namespace: "isthmus",
        cluster: { server: "https://[fd00::1]:443", caFile: join(directory, "ca.crt") },
        user: { authProvider: { config: { tokenFile: join(directory, "token") } } },
      }),
    );
    expect(loadKubeConfig({ ...source, context: "x", env: { ...env, ...pod } })).toEqual(
      err(expect.stringContaining('cannot use context "x"')),
    );
    mkdirSync(join(directory, ".kube"));
    write(".kube/config", aConfig());
    expect(loadKubeConfig({ ...source, env: { ...env, ...pod } })).toMatchObject(
      ok({ context: "one" }),
    );
  });
});
