import { expect, test } from "vitest";
import { sourceFiles } from "./source-files.ts";

const FOLDERS = [
  "api",
  "runtime",
  "broker",
  "controllers",
  "dns-server",
  "connectivity",
  "sandbox",
  "install",
  "cli",
];

interface Ban {
  readonly api: RegExp;
  readonly instead: string;
  readonly allowed: RegExp;
}

const SYSTEM = /(^|\/)system-[a-z-]+\.ts$/;

/** Programs for pods, as texts: `node -e` has nothing handed in. */
const POD_PROGRAMS = "cli/verify/pod-programs.ts";

const BANS: readonly Ban[] = [
  {
    api: /\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(/,
    instead: "a Clock (runtime/clock): time is an input",
    allowed: SYSTEM,
  },
  {
    api: /(?<![.\w])(setTimeout|setInterval)\(/,
    instead: "Clock.setTimer or sleep (runtime/clock)",
    allowed: SYSTEM,
  },
  {
    api: /\bMath\.random\(/,
    instead: "a Random (runtime/random)",
    allowed: SYSTEM,
  },
  {
    api: /\bprocess\.env\b/,
    instead: "settings handed in by cli/main.ts",
    allowed: /^cli\/main\.ts$/,
  },
  {
    api: /(?<![.\w])must\(/,
    instead: "the error of the Result: only tests, measurements and scripts know better",
    allowed: /[.-]compliance\.ts$|\.fixture\.ts$|\/testing\/|^api\/result\.ts$/,
  },
  { api: /\bconsole\./, instead: "a Logger, or the verb's Output", allowed: /^$/ },
  { api: /@ts-ignore|@ts-expect-error/, instead: "a type that is true", allowed: /^$/ },
];

test.each(BANS)("$api is used only where it belongs: use $instead", ({ api, allowed }) => {
  const wrong = sourceFiles(FOLDERS)
    .filter(
      ({ path }) =>
        !path.endsWith(".gen.ts") &&
        !path.includes(".test.") &&
        path !== POD_PROGRAMS &&
        !allowed.test(path),
    )
    .flatMap(({ path, text }) =>
      text
        .split("\n")
        .map((line, index) => ({ line, where: `${path}:${index + 1}` }))
        .filter(({ line }) => api.test(line) && !/^\s*(\*|\/\/|\/\*)/.test(line))
        .map(({ where, line }) => `${where} ${line.trim()}`),
    );
  expect(wrong).toEqual([]);
});

test("no file is longer than 400 lines: two concepts in one, most likely", () => {
  const long = sourceFiles(FOLDERS)
    .filter(({ path }) => !path.endsWith(".gen.ts"))
    .map(({ path, text }) => ({ path, lines: text.split("\n").length }))
    .filter(({ lines }) => lines > 400)
    .map(({ path, lines }) => `${path}: ${lines}`);
  expect(long).toEqual([]);
});
