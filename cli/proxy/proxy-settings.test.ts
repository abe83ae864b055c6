import { expect, test } from "vitest";
import { type ClusterId, parseClusterId } from "../../api/cluster-id.ts";
import { must } from "../../api/result.ts";
import { proxyNodeOptions, proxySettings } from "./proxy-settings.ts";

const settings = (given: object): ReturnType<typeof proxySettings.parse> =>
  proxySettings.parse({ address: ["10.0.0.1"], ...given });
const id = (name: string): ClusterId => must(parseClusterId(name));

test("an HTTP proxy, with a word about who asks or without", () => {
  expect(must(proxyNodeOptions(settings({})))).not.toHaveProperty("httpProxy");
  expect(must(proxyNodeOptions(settings({ httpProxy: "squid:3128" }))).httpProxy).toEqual({
    address: { host: "squid", port: 3128 },
  });
  const asks = settings({ httpProxy: "[fd00::1]:3128", httpProxyAuthorization: "Basic eA==" });
  expect(must(proxyNodeOptions(asks)).httpProxy).toEqual({
    address: { host: "fd00::1", port: 3128 },
    authorization: "Basic eA==",
  });
});

test.each([
  [{ address: [] }, "setting address must name at least one address of this pod: got none"],
  [{ httpProxy: ":3128" }, 'setting httpProxy must name a host: got ":3128"'],
  [{ httpProxy: "squid" }, "squid"],
])("%j is refused, and what is wrong is said", (given, why) => {
  const options = proxyNodeOptions(settings(given));
  expect(options).toEqual({ ok: false, error: expect.stringContaining(why) });
});

test.each([
  [[], "a", "b", false],
  [["*"], "a", "b", true],
  [["a", "b"], "a", "b", true],
  [["a", "b"], "b", "a", true],
  [["a", "b"], "a", "c", false],
  [["a"], "a", "b", false],
])("--relay-for %j carries from %s to %s: %s", (relayFor, from, to, want) => {
  const { mayRelay } = must(proxyNodeOptions(settings({ relayFor })));
  expect(mayRelay(id(from), id(to))).toBe(want);
});
