import { expect, test } from "vitest";
import { membersUnderTest } from "./members-under-test.ts";

const none = { entry: [], dnsServer: [], systemNamespace: "isthmus-system" };

test.each([
  [{ ...none, contexts: ["a"] }, "--contexts must name two clusters or more: got 1"],
  [
    { ...none, contexts: ["a", "b"], entry: ["c=127.0.0.1:1"] },
    "--entry must be context=host:port, of one of the contexts: got c=127.0.0.1:1",
  ],
  [
    { ...none, contexts: ["a", "b"], dnsServer: ["a=53"] },
    "--dns-server must be context=host:port, of one of the contexts: got a=53",
  ],
])("%j is refused before anybody is asked", async (choice, want) => {
  const { signal } = new AbortController();
  expect(await membersUnderTest(choice, {}, signal)).toEqual({ ok: false, error: want });
});
