import { describe, expect, test } from "vitest";
import { z } from "zod";
import { err, ok } from "../../api/result.ts";
import { listenDefault } from "./common-settings.ts";
import { flagName, flagShape, readSettings } from "./settings.ts";

const schema = z.object({
  listen: listenDefault("127.0.0.1:5353", "where"),
  ttl: z.coerce.number().int().min(0).max(3600).default(5),
  verbose: z.boolean().default(false),
  zones: z.array(z.string()).default([]),
  clusterId: z.string(),
});

describe("readSettings", () => {
  test("flags win over the file, the file over defaults", () => {
    const read = readSettings(schema, {
      flags: { ttl: "7", clusterId: "a" },
      file: { ttl: 9, verbose: true },
    });
    expect(read).toEqual(
      ok({
        listen: { host: "127.0.0.1", port: 5353 },
        ttl: 7,
        verbose: true,
        zones: [],
        clusterId: "a",
      }),
    );
  });

  test.each([
    {
      name: "unknown key in the file",
      sources: { flags: { clusterId: "a" }, file: { tttl: 5 }, fileName: "x.yaml" },
      want: "cannot read config file x.yaml: unknown settings tttl: known are listen, ttl, verbose, zones, clusterId",
    },
    {
      name: "value of a flag out of range",
      sources: { flags: { clusterId: "a", ttl: "9999" }, file: undefined },
      want: /cannot read setting ttl \(--ttl\): .*3600: got "9999"/,
    },
    {
      name: "value in the file of the wrong shape",
      sources: { flags: { clusterId: "a" }, file: { listen: "nowhere" }, fileName: "x.yaml" },
      want: /cannot read setting listen \(config file x.yaml\): .*host:port.*: got "nowhere"/,
    },
    {
      name: "required one missing",
      sources: { flags: {}, file: undefined },
      want: "setting clusterId (--cluster-id) is required",
    },
    {
      name: "file that is not a mapping",
      sources: { flags: {}, file: ["a"] },
      want: "cannot read config file: must hold a mapping of settings: got object",
    },
  ])("$name", ({ sources, want }) => {
    const read = readSettings(schema, sources);
    expect(read).toEqual(err(typeof want === "string" ? want : expect.stringMatching(want)));
  });
});

test("keys become flags", () => {
  expect(["ttl", "healthListen", "clusterId"].map(flagName)).toEqual([
    "ttl",
    "health-listen",
    "cluster-id",
  ]);
});

test("switches, values and lists are told apart", () => {
  expect(Object.entries(schema.shape).map(([key, type]) => [key, flagShape(type).kind])).toEqual([
    ["listen", "value"],
    ["ttl", "value"],
    ["verbose", "switch"],
    ["zones", "list"],
    ["clusterId", "value"],
  ]);
});
