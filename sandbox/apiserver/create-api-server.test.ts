import https from "node:https";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { invariant } from "../../api/invariant.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import { seededRandom } from "../../runtime/random/seeded-random.ts";
import { kubeconfigText } from "./auth/kubeconfig.ts";
import type { KeyPair } from "./auth/server-certificates.ts";
import { makeClusterCertificates } from "./auth/server-certificates.ts";
import { type ApiServer, createApiServer } from "./create-api-server.ts";
import { aConfigMap, CONFIG_MAPS } from "./testing/test-core.ts";

const deps = { clock: systemClock, random: seededRandom(1), log: silentLogger };

let server: ApiServer;
let url: string;
beforeAll(async () => {
  const staticTokens = new Map([["secret", { name: "t", groups: ["system:masters"] }]]);
  const created = await createApiServer({ serviceCidrs: ["10.101.0.0/16"], staticTokens }, deps);
  invariant(created.ok, "the server is made", { created });
  server = created.value;
  url = await server.start();
});
afterAll(() => server.stop());

interface Asked {
  readonly method?: string;
  readonly user?: KeyPair | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** One request on a connection of its own. */
function ask(path: string, { method = "GET", user, headers = {}, body }: Asked = {}) {
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const identity = user === undefined ? {} : { cert: user.certificate, key: user.key };
    const request = https.request(
      `${url}${path}`,
      { method, headers, ca: server.certificates.ca, agent: false, ...identity },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (part: string) => {
          text += part;
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
        response.on("error", reject);
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}

describe("who asks", () => {
  test("the administrator's certificate may do all", async () => {
    const user = server.certificates.admin;
    expect(await ask("/api/v1/namespaces/default", { user })).toMatchObject({ status: 200 });
  });

  test("nobody may do nothing, and still see that the server is ready", async () => {
    expect(await ask("/api/v1/namespaces/default")).toMatchObject({ status: 403 });
    expect(await ask("/readyz")).toEqual({ status: 200, text: "ok" });
  });

  test("a certificate of another authority names nobody", async () => {
    const others = await makeClusterCertificates({ serverNames: [], nowMs: systemClock.nowMs() });
    const { status, text } = await ask("/api/v1/namespaces/default", { user: others.admin });
    expect(status).toBe(403);
    expect(text).toContain("system:anonymous");
  });

  test.each([
    ["secret", 200],
    ["nope", 401],
  ])("the bearer token %s: %i", async (token, status) => {
    const headers = { authorization: `Bearer ${token}` };
    expect(await ask("/api/v1/namespaces", { headers })).toMatchObject({ status });
  });
});

test("a body of more than 3 MiB is 413", async () => {
  const body = JSON.stringify(aConfigMap("big", {}, { a: "x".repeat(4 * 1024 * 1024) }));
  const user = server.certificates.admin;
  const answer = await ask(CONFIG_MAPS, { method: "POST", user, body });
  expect(answer.status).toBe(413);
  expect(answer.text).toContain("Request entity too large: limit is 3145728");
});

test("a watch streams lines until its time is over", async () => {
  const user = server.certificates.admin;
  const watching = ask(`${CONFIG_MAPS}?watch=1&timeoutSeconds=1`, { user });
  await ask(CONFIG_MAPS, { method: "POST", user, body: JSON.stringify(aConfigMap("seen")) });
  const { status, text } = await watching;
  expect(status).toBe(200);
  expect(
    text
      .trim()
      .split("\n")
      .map((line): unknown => JSON.parse(line)),
  ).toMatchObject([{ type: "ADDED", object: { metadata: { name: "seen" } } }]);
});

test("stopping ends open watches at once, and may be asked for twice", async () => {
  const created = await createApiServer({ serviceCidrs: ["fd00:101::/112"] }, deps);
  invariant(created.ok, "the server is made", { created });
  const base = await created.value.start();
  const { ca, admin } = created.value.certificates;
  const identity = { ca, cert: admin.certificate, key: admin.key, agent: false } as const;
  const ended = new Promise<void>((resolve, reject) => {
    const request = https.get(`${base}${CONFIG_MAPS}?watch=1`, identity, (response) => {
      response.resume();
      response.on("close", resolve);
      created.value.stop().catch(reject);
    });
    request.on("error", reject);
  });
  await ended;
  await created.value.stop();
});

test.each([[[]], [["10.0.0.0/16", "10.1.0.0/16"]], [["nonsense"]]])(
  "service ranges %j are refused",
  async (serviceCidrs) => {
    expect(await createApiServer({ serviceCidrs }, deps)).toMatchObject({ ok: false });
  },
);

test("one kubeconfig names several clusters", () => {
  const text = kubeconfigText([server.kubeconfigEntry("one"), server.kubeconfigEntry("two")]);
  expect(text).toContain('current-context: "one"');
  expect(text.match(/^ {4}server: "https:\/\/127\.0\.0\.1:\d+"$/gm)).toHaveLength(2);
});
