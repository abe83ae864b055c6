import { describe, expect, test } from "vitest";
import { z } from "zod";
import { err } from "../../api/result.ts";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import { readSettings } from "../../runtime/config/settings.ts";
import { identityPlaceOf, identitySettings } from "./identity-place.ts";

const deps = { clock: new VirtualClock(), signal: new AbortController().signal };
const noCluster = () => err("no cluster");

describe("where an identity is kept", () => {
  test("a directory needs no cluster", () => {
    const place = identityPlaceOf({ identityDir: "./east" }, noCluster, deps);
    expect(place).toMatchObject({ ok: true, value: { where: "in ./east" } });
  });

  test("a Secret does, and a cluster that cannot be had is said", () => {
    const settings = { identityDir: "unused", identitySecret: "id" };
    expect(identityPlaceOf(settings, noCluster, deps)).toEqual(err("no cluster"));
  });

  test.each([
    { given: "id", want: "in Secret isthmus-system/id" },
    { given: "team/id", want: "in Secret team/id" },
  ])("$given is $want", ({ given, want }) => {
    const client = { ok: true, value: undefined as never } as const;
    const settings = { identityDir: "unused", identitySecret: given };
    expect(identityPlaceOf(settings, () => client, deps)).toMatchObject({ value: { where: want } });
  });

  test.each(["", "/", "a/", "/b", "a/b/c", "Big", "a b"])(
    "%j is refused before anything is started",
    (identitySecret) => {
      const read = readSettings(z.object(identitySettings), {
        flags: { identitySecret },
        file: undefined,
      });
      expect(read.ok ? "" : read.error).toContain("must be [NAMESPACE/]NAME");
    },
  );
});
