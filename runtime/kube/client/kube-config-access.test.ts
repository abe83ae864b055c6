import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SERVICES } from "../../../api/kube/service.ts";
import { err } from "../../../api/result.ts";
import { VirtualClock } from "../../clock/virtual-clock.ts";
import { silentMeter } from "../../metrics/silent-meter.ts";
import { systemRandom } from "../../random/system-random.ts";
import { FaultyServer, json, status } from "./faulty-server.fixture.ts";
import { HttpKubeClient } from "./http-kube-client.ts";
import { KubeConfigAccess } from "./kube-config-access.ts";
import type { KubeTarget } from "./load-kube-config.ts";

const { signal } = new AbortController();
const WEB = { resource: SERVICES, namespace: "shop", name: "web" };

let server: FaultyServer;
let url: string;
let directory: string;
beforeEach(async () => {
  server = new FaultyServer();
  url = await server.start();
  server.answer(json(200, { metadata: { name: "web" } }));
  directory = mkdtempSync(join(tmpdir(), "isthmus-access-"));
});
afterEach(async () => {
  await server.stop();
  rmSync(directory, { recursive: true });
});

function aClient(user: Partial<KubeTarget["user"]>) {
  const clock = new VirtualClock();
  const access = new KubeConfigAccess(
    {
      context: "x",
      cluster: { name: "c", server: `${url}/`, skipTLSVerify: true },
      user: { name: "u", ...user },
    },
    { clock },
  );
  return {
    clock,
    access,
    client: new HttpKubeClient({}, { access, clock, random: systemRandom, meter: silentMeter }),
  };
}

function authorizations(): (string | undefined)[] {
  return server.seen.map(({ headers }) => headers.authorization);
}

describe("KubeConfigAccess", () => {
  test.each([
    { name: "a token", user: { token: "abc" }, want: "Bearer abc" },
    { name: "a password", user: { username: "me", password: "pw" }, want: "Basic bWU6cHc=" },
    { name: "nobody", user: {}, want: undefined },
    {
      name: "an exec plugin",
      user: {
        exec: {
          command: process.execPath,
          args: ["-e", 'console.log(JSON.stringify({ status: { token: "from-plugin" } }))'],
        },
      },
      want: "Bearer from-plugin",
    },
  ])("sends what the kubeconfig gives: $name", async ({ user, want }) => {
    const { client, access } = aClient(user);
    expect((await client.get(WEB, { signal })).ok).toBe(true);
    expect(authorizations()).toEqual([want]);
    expect(server.seen[0]?.url).toBe("/api/v1/namespaces/shop/services/web");
    access.close();
  });

  test("impersonation is a header", async () => {
    const { client, access } = aClient({ token: "abc", impersonateUser: "jane" });
    await client.get(WEB, { signal });
    expect(server.seen[0]?.headers["impersonate-user"]).toBe("jane");
    access.close();
  });

  test("a token rotated on disk is read when the server rejects the old one", async () => {
    const tokenFile = join(directory, "token");
    writeFileSync(tokenFile, "old\n");
    const { client, clock, access } = aClient({
      authProvider: { name: "tokenFile", config: { tokenFile } },
    });
    await client.get(WEB, { signal });
    writeFileSync(tokenFile, "new\n");
    await clock.advance(11_000);
    server.answer((response, seen) =>
      (seen.headers.authorization === "Bearer new"
        ? json(200, { metadata: { name: "web" } })
        : status(401, "Unauthorized"))(response, seen),
    );
    expect((await client.get(WEB, { signal })).ok).toBe(true);
    expect(authorizations().at(-1)).toBe("Bearer new");
    access.close();
  });

  test("a plugin that fails or a file that is missing is a clear error", async () => {
    const exec = {
      command: process.execPath,
      args: ["-e", 'console.error("no session"); process.exit(1)'],
    };
    const plugin = aClient({ exec });
    expect(await plugin.client.get(WEB, { signal })).toEqual(
      err({
        kind: "unavailable",
        message: expect.stringMatching(/^cannot authenticate to API server .* as u: no session/),
      }),
    );
    const file = aClient({ certFile: join(directory, "none.crt") });
    expect(await file.client.get(WEB, { signal })).toEqual(
      err({ kind: "unavailable", message: expect.stringContaining("none.crt") }),
    );
  });

  test("a plugin that hangs holds nobody longer than their deadline", async () => {
    const exec = { command: process.execPath, args: ["-e", "setTimeout(() => {}, 700)"] };
    const { client, clock } = aClient({ exec });
    const got = client.get(WEB, { signal, timeoutMs: 100 });
    await clock.advance(100);
    expect(await got).toMatchObject(err({ kind: "timeout" }));
  });

  test("agents stay while the certificates do, and change with them", async () => {
    const certFile = join(directory, "u.crt");
    writeFileSync(certFile, "one");
    const { access, clock } = aClient({ certFile });
    const agentNow = async () => {
      const connection = await access.connection(signal);
      if (!connection.ok) throw new Error(connection.error.message);
      return connection.value.requestAgent;
    };
    const first = await agentNow();
    await clock.advance(11_000);
    expect(await agentNow()).toBe(first);
    writeFileSync(certFile, "two");
    expect(await agentNow()).toBe(first);
    await clock.advance(11_000);
    expect(await agentNow()).not.toBe(first);
    expect([access.refresh(), access.refresh()]).toEqual([true, true]);
  });
});
