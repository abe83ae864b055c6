import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { withAuthorization } from "./http-proxy-authorization.ts";
import { type ProxySettings, proxySettings } from "./proxy-settings.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "isthmus-authorization-"));
});
afterAll(() => rm(folder, { recursive: true }));

const settings = (given: object): ProxySettings =>
  proxySettings.parse({ address: ["10.0.0.1"], httpProxy: "squid:3128", ...given });

async function fileWith(text: string): Promise<string> {
  const path = join(folder, "authorization");
  await writeFile(path, text);
  return path;
}

test("the value is what the file holds, without the line's end", async () => {
  const given = settings({ httpProxyAuthorizationFile: await fileWith("Basic eA==\n") });
  expect(await withAuthorization(given)).toMatchObject({
    ok: true,
    value: { httpProxyAuthorization: "Basic eA==", httpProxy: "squid:3128" },
  });
  expect(await withAuthorization(settings({}))).toEqual({ ok: true, value: settings({}) });
});

test.each([
  ["Basic eA==", { httpProxyAuthorization: "Basic eQ==" }, "exclude each other"],
  ["Basic eA==", { httpProxy: undefined }, "needs httpProxy: got none"],
  ["\n", {}, "must hold a header's value: got nothing"],
  ["Basic eA==\r\nX-Other: y", {}, "must hold a header's value: got 22 characters that are not"],
])("a file with %j and %j is refused, and what is wrong is said", async (text, more, why) => {
  const given = settings({ httpProxyAuthorizationFile: await fileWith(text), ...more });
  expect(await withAuthorization(given)).toEqual({
    ok: false,
    error: expect.stringContaining(why),
  });
});

test("a file that is not there is an error with its name", async () => {
  const given = settings({ httpProxyAuthorizationFile: join(folder, "absent") });
  expect(await withAuthorization(given)).toEqual({
    ok: false,
    error: expect.stringMatching(/cannot be read: ENOENT.*absent/),
  });
});
