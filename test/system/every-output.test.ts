import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { startApiServer, type TestApiServer } from "./api-server.ts";
import { runIsthmus } from "./run-isthmus.ts";

const { signal } = new AbortController();
const TOKEN = "isthmus-join.a.b.c.hub:8443";

let server: TestApiServer;
beforeAll(async () => {
  server = await startApiServer();
});
afterAll(() => server[Symbol.asyncDispose]());

const done = expect.objectContaining({ done: true, steps: expect.any(Array) });
const list = expect.objectContaining({ kind: "List", items: expect.any(Array) });
const member = ["install", "member", "--cluster-id", "east", TOKEN];

/** In the order in which a cluster can be asked. */
describe.each<{ readonly argv: readonly string[]; readonly want: unknown; readonly code?: number }>(
  [
    { argv: ["crds"], want: list },
    { argv: ["crds", "--apply"], want: done },
    { argv: ["manifests"], want: list },
    { argv: ["install", "hub", "--print"], want: list },
    { argv: ["install", "hub", "--apply"], want: done },
    { argv: [...member, "--print"], want: list },
    { argv: [...member, "--apply"], want: expect.objectContaining({ done: true }) },
    { argv: ["upgrade"], want: done },
    { argv: ["wire-dns", "--apply"], want: expect.objectContaining({ done: true }) },
    { argv: ["wire-dns", "--restore"], want: { done: true } },
    { argv: ["export", "web"], want: { namespace: "default", name: "web", done: "exported" } },
    { argv: ["auto-export"], want: expect.objectContaining({ isOn: false, services: [] }) },
    { argv: ["status"], want: expect.objectContaining({ exports: expect.any(Array) }) },
    { argv: ["unexport", "web"], want: { namespace: "default", name: "web", done: "unexported" } },
    { argv: ["gather"], want: expect.objectContaining({ done: true, bytes: expect.any(Number) }) },
    {
      argv: ["join", "--cluster-id", "east", "no-token"],
      want: { done: false, problems: [expect.any(String)] },
      code: 1,
    },
    { argv: ["leave", "--local-only"], want: expect.objectContaining({ done: true }) },
    {
      argv: ["uninstall", "hub", "--namespace", "elsewhere"],
      want: { done: false, problems: ["no hub was installed in namespace elsewhere"] },
      code: 1,
    },
    { argv: ["uninstall", "member", "--local-only"], want: done },
    { argv: ["uninstall", "hub"], want: done },
  ],
)("isthmus $argv", ({ argv, want, code = 0 }) => {
  test("prints one document in JSON", async () => {
    const file = argv[0] === "gather" ? ["--file", join(server.folder, "gathered.tar.gz")] : [];
    const dir = ["leave", "join"].includes(argv[0] ?? "")
      ? ["--identity-dir", join(server.folder, "identity")]
      : [];
    const where = ["--kubeconfig", server.kubeconfig, "--output", "json"];
    const outcome = await runIsthmus([...argv, ...file, ...dir, ...where], signal);
    expect(outcome.lines.map((line) => JSON.parse(line) as unknown)).toEqual([want]);
    expect(outcome.code).toBe(code);
  });
});

test("YAML says the same as JSON", async () => {
  const forms = await Promise.all(
    (["json", "yaml"] as const).map(async (form) => {
      const argv = ["uninstall", "hub", "--kubeconfig", server.kubeconfig, "-o", form];
      return (await runIsthmus(argv, signal)).lines.join("\n");
    }),
  );
  expect(parse(forms[1] ?? "")).toEqual(JSON.parse(forms[0] ?? ""));
});
