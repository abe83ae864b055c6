import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { err, ok } from "../../api/result.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import { membersAnswer, revokeAnswer, revokeRequest } from "./admin-api.ts";
import { askBroker } from "./admin-client.ts";
import { type AdminHandlers, AdminServer, asking } from "./admin-server.ts";

let dir: string;
let path: string;
let server: AdminServer;
const handlers: AdminHandlers = {
  members: async () => ok({ clusterset: "prod", members: [] }),
  revoke: asking(revokeRequest, async ({ cluster, rows }) =>
    cluster === "east" ? ok({ cluster, rows, incarnation: 7 }) : err(`no member ${cluster}`),
  ),
  authority: async () => {
    throw new Error("a bug");
  },
  rotate: async () => ok({ answer: "x".repeat(10) }),
};

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "isthmus-admin-"));
  path = join(dir, "admin.sock");
  server = new AdminServer(path, { handlers, log: silentLogger });
  expect(await server.start()).toEqual({ ok: true, value: undefined });
});
afterEach(async () => {
  await server.stop();
  await rm(dir, { recursive: true, force: true });
});

function raw(method: string, url: string, body = ""): Promise<readonly [number, string]> {
  return new Promise((resolve, reject) => {
    const sending = request({ socketPath: path, method, path: url }, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.on("end", () => resolve([response.statusCode ?? 0, text]));
    });
    sending.on("error", reject);
    sending.end(body);
  });
}

describe("the admin socket", () => {
  test("answers its owner, and nobody else may use it", async () => {
    const asked = await askBroker(path, "members", { answer: membersAnswer }, systemClock);
    expect(asked).toEqual({ ok: true, value: { clusterset: "prod", members: [] } });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test("tells what the broker says no to, and why", async () => {
    const ask = (cluster: string): ReturnType<typeof askBroker> =>
      askBroker(
        path,
        "revoke",
        { question: { cluster, rows: "freeze" }, answer: revokeAnswer },
        systemClock,
      );
    expect(await ask("east")).toEqual({
      ok: true,
      value: { cluster: "east", rows: "freeze", incarnation: 7 },
    });
    expect(await ask("west")).toEqual({ ok: false, error: "no member west" });
  });

  test.each([
    { name: "another path", method: "GET", url: "/secrets", body: "", status: 404 },
    { name: "another method", method: "DELETE", url: "/members", body: "", status: 404 },
    { name: "a question that is no JSON", method: "POST", url: "/revoke", body: "{", status: 400 },
    { name: "another question", method: "POST", url: "/revoke", body: "{}", status: 409 },
    {
      name: "a question too large",
      method: "POST",
      url: "/revoke",
      body: `"${"x".repeat(20_000)}"`,
      status: 400,
    },
    { name: "a bug", method: "GET", url: "/authority", body: "", status: 500 },
  ])("refuses $name and goes on", async ({ method, url, body, status }) => {
    const [code, text] = await raw(method, url, body);
    expect(code).toBe(status);
    expect(JSON.parse(text)).toEqual({ error: expect.any(String) });
    expect((await raw("GET", "/members"))[0]).toBe(200);
  });

  test("an answer of another version is said to be one", async () => {
    const answer = z.strictObject({ other: z.string() });
    const asked = await askBroker(path, "rotate", { answer }, systemClock);
    expect(asked.ok ? "" : asked.error).toContain("of another version");
  });

  test("takes the place of one that a crash has left, and leaves none behind", async () => {
    await server.stop();
    await expect(stat(path)).rejects.toThrow("ENOENT");
    await writeFile(path, "");
    server = new AdminServer(path, { handlers, log: silentLogger });
    expect(await server.start()).toEqual({ ok: true, value: undefined });
    expect((await raw("GET", "/members"))[0]).toBe(200);
  });
});

test("nobody there is said to be nobody, also where a crash has left a socket", async () => {
  const asked = await askBroker(
    join(dir, "none.sock"),
    "members",
    { answer: z.any() },
    systemClock,
  );
  expect(asked.ok ? "" : asked.error).toContain("no broker is running behind");
});

test("a path that is too long for a socket is refused with the limit", async () => {
  const long = new AdminServer(join(dir, "x".repeat(120)), { handlers, log: silentLogger });
  const started = await long.start();
  expect(started.ok ? "" : started.error).toContain("must be at most 107 bytes: got ");
});
