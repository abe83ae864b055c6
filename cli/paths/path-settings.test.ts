import { expect, test } from "vitest";
import { z } from "zod";
import { pathSettings } from "./path-settings.ts";

const settings = z.object(pathSettings);

test.each([":7946", "0.0.0.0:7946", "[::]:7946", "10.1.0.5:7946", "[fd00::5]:7946"])(
  "probes are answered at %s",
  (probeListen) => expect(settings.safeParse({ probeListen }).success).toBe(true),
);

test.each([
  ["127.0.0.1:7946", /not of 127\.0\.0\.0\/8: got "127\.0\.0\.1"/],
  ["[::1]:7946", /not of ::\/32: got "::1"/],
  ["169.254.1.1:7946", /not of 169\.254\.0\.0\/16/],
  ["localhost:7946", /must be an address in the pod network.*got "localhost"/],
])(
  "nobody else could ask at %s: said at once, since the hub would refuse all of the row (SEC-06)",
  (probeListen, why) => {
    const { error } = settings.safeParse({ probeListen });
    expect(error?.issues.map(({ message }) => message).join()).toMatch(why);
  },
);
