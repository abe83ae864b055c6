import { expect, test } from "vitest";
import { parse } from "yaml";
import { kubeconfigText } from "../apiserver/auth/kubeconfig.ts";
import { mergeKubeconfigs } from "./merge-kubeconfigs.ts";

const single = (name: string): string =>
  kubeconfigText([
    {
      name,
      server: `https://${name}:1`,
      ca: `authority of ${name} `.repeat(40),
      user: {
        certificate: `certificate of ${name} `.repeat(40),
        key: `key of ${name} `.repeat(40),
      },
    },
  ]);

test("all contexts are there, the first one is current, values keep their quotes and lines", () => {
  const merged = mergeKubeconfigs([single("member-1"), single("member-2")]);
  const config: unknown = parse(merged);
  expect(config).toMatchObject({
    "current-context": "member-1",
    contexts: [{ name: "member-1" }, { name: "member-2" }],
    clusters: [
      { cluster: { server: "https://member-1:1" } },
      { cluster: { server: "https://member-2:1" } },
    ],
  });
  expect(merged).toMatch(/^ +certificate-authority-data: "[A-Za-z0-9+/=]+"$/m);
  expect(merged).toMatch(/^ +client-key-data: "[A-Za-z0-9+/=]+"$/m);
  expect(merged).toMatch(/^ +server: "https:\/\/member-1:1"$/m);
});
