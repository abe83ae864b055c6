import { expect, test } from "vitest";
import { ok } from "../../api/result.ts";
import type { MemberIdentity } from "../../broker/identity/member/member-identity.ts";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import type { IdentityPlace } from "./identity-place.ts";
import { identityAppears } from "./member-identity.ts";

const IDENTITY = { clusterId: "east" } as MemberIdentity;

function place(): { readonly place: IdentityPlace; join(): void } {
  let stored: MemberIdentity | undefined;
  const store = { load: () => Promise.resolve(ok(stored)) };
  return {
    place: { store, where: "in Secret a/b" } as IdentityPlace,
    join: () => {
      stored = IDENTITY;
    },
  };
}

test("whoever starts before its member has joined waits, says so, and goes on once it has", async () => {
  const clock = new VirtualClock();
  const member = place();
  const said: string[] = [];
  const found = identityAppears(member.place, { clock }, new AbortController().signal, (reason) =>
    said.push(reason),
  );
  await clock.advance(10_000);
  expect(said[0]).toBe('no identity in Secret a/b: run "isthmus join" first');
  member.join();
  await clock.advance(10_000);
  expect(await found).toBe(IDENTITY);
});

test("a process that is asked to stop waits no longer", async () => {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const found = identityAppears(place().place, { clock }, stop.signal);
  await clock.advance(5_000);
  stop.abort();
  expect(await found).toBeUndefined();
});
