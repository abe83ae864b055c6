import { expect, test } from "vitest";
import type { EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import { err, ok } from "../../../api/result.ts";
import { ChangedSlices } from "./changed-slices.ts";

const slice = (name: string): EndpointSlice => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { namespace: "shop", name },
  addressType: "IPv4",
});

/** What was told, in order. */
function told(): { readonly words: string[]; readonly changed: ChangedSlices } {
  const words: string[] = [];
  const changed = new ChangedSlices({
    saw: ({ metadata }) => void words.push(`saw ${metadata.name}`),
    admitted: (slices) =>
      void words.push(`admitted ${slices.map(({ metadata }) => metadata.name).join(" ")}`),
  });
  return { words, changed };
}

test("what changes while the kernel is being written is told of the next time", async () => {
  const { words, changed } = told();
  changed.add("shop/a", slice("a"));
  const done = await changed.during(async () => {
    changed.add("shop/b", slice("b"));
    return ok("applied");
  });
  expect(done).toEqual(ok("applied"));
  await changed.during(async () => ok("applied"));
  expect(words).toEqual(["saw a", "saw b", "admitted a", "admitted b"]);
});

test("what could not be written is told of when it is, as it is then", async () => {
  const { words, changed } = told();
  changed.add("shop/a", slice("a"));
  changed.add("shop/b", slice("b"));
  await changed.during(async () => {
    changed.add("shop/b", slice("b-again"));
    return err("kernel says no");
  });
  await changed.during(async () => ok("applied"));
  expect(words.at(-1)).toBe("admitted a b-again");
});

test("where this is no gateway nothing waits", async () => {
  const { words, changed } = told();
  changed.add("shop/a", slice("a"));
  changed.drop();
  await changed.during(async () => ok("applied"));
  expect(words.at(-1)).toBe("admitted ");
});
