import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SECRETS, type Secret } from "../../api/kube/secret.ts";
import { must } from "../../api/result.ts";
import { connectKube } from "../../cli/cluster/connect-kube.ts";
import { systemClock as clock } from "../../runtime/clock/system-clock.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { systemRandom as random } from "../../runtime/random/system-random.ts";
import { askHealth, type Health } from "../../sandbox/clusterset/health.ts";
import { freePorts } from "../../sandbox/process/free-ports.ts";
import { startApiServer, type TestApiServer } from "./api-server.ts";
import { type Outcome, runIsthmus } from "./run-isthmus.ts";
import { until } from "./until.ts";

// What pods do: the hub keeps everything in its API server, a member's replicas share one Secret and join by a mounted token.

const SECRET = { resource: SECRETS, namespace: "isthmus-system", name: "isthmus-identity" };
const QUIET = ["--log-level", "error"];
const stop = new AbortController();
const { signal } = stop;

let hub: TestApiServer;
let east: TestApiServer;
let client: KubeClient;
let atHub: readonly string[];
let tokenFile: string;
let ports: readonly number[];
const running: Promise<Outcome>[] = [];

beforeAll(async () => {
  [hub, east] = await Promise.all([startApiServer(), startApiServer()]);
  client = must(connectKube({ kubeconfig: east.kubeconfig }, {}, silentMeter)).client;
  tokenFile = join(east.folder, "token");
  ports = await freePorts(4, random);
  atHub = ["--store", "kubernetes", "--kubeconfig", hub.kubeconfig, "--data-dir", hub.folder];
  for (const argv of [
    ["crds", "--hub", "--apply", "--kubeconfig", hub.kubeconfig],
    ["crds", "--apply", "--kubeconfig", east.kubeconfig],
  ]) {
    expect(await runIsthmus(argv, signal)).toMatchObject({ code: 0, problems: [] });
  }
});

afterAll(async () => {
  stop.abort();
  await Promise.all(running);
  await hub[Symbol.asyncDispose]();
  await east[Symbol.asyncDispose]();
});

const inEast = (): readonly string[] => [
  ...["--kubeconfig", east.kubeconfig, "--identity-secret", "isthmus-identity"],
];

function controllers(replica: number, ...more: readonly string[]): Promise<Outcome> {
  const argv = ["controllers", ...inEast(), "--leader-elect", ...QUIET, ...more];
  argv.push("--state-dir", join(east.folder, `state-${replica}`));
  argv.push("--health-listen", `127.0.0.1:${ports[replica]}`);
  const ending = runIsthmus(argv, signal);
  running.push(ending);
  return ending;
}

const health = (port: number): Promise<Health> => askHealth(port, clock);

const storedKeys = async (): Promise<readonly string[] | undefined> => {
  const got = await client.get<Secret>(SECRET, { signal });
  return got.ok ? Object.keys(got.value.data ?? {}) : undefined;
};

test("without a token and an identity the controllers say what to do", async () => {
  const { code, problems } = await controllers(0);
  expect({ code, problems }).toEqual({
    code: 1,
    problems: ['no identity in Secret isthmus-system/isthmus-identity: run "isthmus join" first'],
  });
});

test("a token file needs the id that the token is for", async () => {
  await writeFile(tokenFile, "any");
  const { problems } = await controllers(0, "--join-token-file", tokenFile);
  expect(problems).toEqual(["--join-token-file needs --cluster-id: got none"]);
});

/** Until the returned function is called. */
function startBroker(): () => Promise<void> {
  const [, , hubHealth = 0, hubPort = 0] = ports;
  const own = new AbortController();
  const argv = ["broker", ...atHub, "--listen", `127.0.0.1:${hubPort}`, ...QUIET, "--drain", "0s"];
  argv.push("--health-listen", `127.0.0.1:${hubHealth}`);
  const ending = runIsthmus(argv, AbortSignal.any([signal, own.signal]));
  running.push(ending);
  return async () => {
    own.abort();
    expect(await ending).toMatchObject({ code: 0, problems: [] });
  };
}

async function newToken(): Promise<string> {
  const [, , , hubPort = 0] = ports;
  const create = ["token", "create", ...atHub, "--cluster", "east"];
  const created = await runIsthmus([...create, "--broker", `127.0.0.1:${hubPort}`], signal);
  expect(created).toMatchObject({ code: 0, problems: [] });
  return created.lines[0] ?? "";
}

test("two replicas join with one token from a file, though the hub is down at first", async () => {
  const [first = 0, second = 0, hubHealth = 0] = ports;
  const stopBroker = startBroker();
  await until(async () => (await health(hubHealth)).kind === "ready");
  await writeFile(tokenFile, `${await newToken()}\n`);
  await stopBroker();
  const choice = ["--join-token-file", tokenFile, "--cluster-id", "east"];
  void controllers(0, ...choice);
  void controllers(1, ...choice);
  await until(async () =>
    (await Promise.all([first, second].map(health))).some(
      (is) => is.kind === "not-ready" && is.why.includes("cannot reach broker"),
    ),
  );
  startBroker();
  await until(async () => {
    const both = await Promise.all([first, second].map(health));
    return both.every(({ kind }) => kind === "ready");
  });
  expect(await storedKeys()).toEqual(["member-identity.json"]);
});

test("leave takes the identity out of the Secret, and the Secret with it; join puts one back", async () => {
  const left = await runIsthmus(["leave", ...inEast()], signal);
  expect(left).toMatchObject({ code: 0, problems: [] });
  expect(left.lines.join("\n")).toContain("east left clusterset default");
  expect(await storedKeys()).toBeUndefined();
  const argv = ["join", "--cluster-id", "east", ...inEast(), await newToken()];
  const joined = await runIsthmus(argv, signal);
  expect(joined.problems).toEqual([]);
  expect(joined.lines).toContain("identity saved in Secret isthmus-system/isthmus-identity");
  expect(await storedKeys()).toEqual(["member-identity.json"]);
});
