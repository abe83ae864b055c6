import type { RequestOptions } from "node:https";
import { KubeConfig } from "@kubernetes/client-node/dist/config.js";
import { expect, test } from "vitest";
import { inlineCredentials } from "./inline-credentials.ts";
import type { KubeTarget } from "./load-kube-config.ts";

const DATA = Buffer.from("pem").toString("base64");
const PAIR = { certData: DATA, keyData: Buffer.from("key").toString("base64") };

function target(cluster: Partial<KubeTarget["cluster"]>, user: Partial<KubeTarget["user"]>) {
  return {
    context: "x",
    cluster: { name: "c", server: "https://127.0.0.1:1", skipTLSVerify: false, ...cluster },
    user: { name: "u", ...user },
  };
}

test.each<[string, Partial<KubeTarget["cluster"]>]>([
  ["an authority", { caData: DATA }],
  ["no authority", {}],
  ["no verification", { skipTLSVerify: true }],
  ["another name", { caData: DATA, tlsServerName: "api.example.com" }],
])("gives what client-node gives: %s", async (_, cluster) => {
  const given = target(cluster, PAIR);
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [given.cluster],
    users: [given.user],
    contexts: [{ name: "x", cluster: "c", user: "u" }],
    currentContext: "x",
  });
  const want: RequestOptions = {};
  await config.applyToHTTPSOptions(want);
  const { ca, cert, key, rejectUnauthorized, servername, auth } = want;
  const tls = { ca, cert, key, rejectUnauthorized, servername, auth };
  expect(inlineCredentials(given)).toEqual(tls);
  expect(Object.keys(want.headers ?? {})).toEqual([]);
});

test.each<[string, Partial<KubeTarget["cluster"]>, Partial<KubeTarget["user"]>]>([
  ["nobody", {}, {}],
  ["half a pair", {}, { certData: DATA }],
  ["a token besides", {}, { ...PAIR, token: "t" }],
  ["a password besides", {}, { ...PAIR, username: "u", password: "p" }],
  ["a plugin", {}, { ...PAIR, exec: { command: "x" } }],
  ["files", {}, { certFile: "/c", keyFile: "/k" }],
  ["a file of the authority", { caFile: "/ca" }, PAIR],
  ["a proxy", { proxyUrl: "socks5://127.0.0.1:1" }, PAIR],
  ["impersonation", {}, { ...PAIR, impersonateUser: "jane" }],
])("leaves to client-node: %s", (_, cluster, user) => {
  expect(inlineCredentials(target(cluster, user))).toBeUndefined();
});
