import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { importsOf } from "./imports.ts";
import { sourceFiles } from "./source-files.ts";

/** What each folder may import besides itself, and why not more. */
const MAY_IMPORT: Readonly<
  Record<string, { readonly folders: readonly string[]; readonly why: string }>
> = {
  api: { folders: [], why: "api/ is true everywhere and imports nothing of ours" },
  runtime: { folders: ["api"], why: "runtime/ holds ports and adapters that know no domain" },
  broker: {
    folders: ["api", "runtime"],
    why: "the hub knows nothing of Kubernetes controllers, DNS or paths",
  },
  "dns-server": { folders: ["api", "runtime"], why: "DNS answers from Kubernetes objects alone" },
  connectivity: { folders: ["api", "runtime"], why: "reachability is apart from discovery" },
  controllers: {
    folders: ["api", "runtime", "broker/client", "connectivity/path-selection.ts"],
    why: "controllers meet the broker through its client and networks through the port that selects paths",
  },
  sandbox: {
    folders: ["api", "runtime", "broker", "dns-server", "connectivity", "controllers"],
    why: "the sandbox is built from the parts, never the reverse",
  },
  install: {
    folders: ["api", "runtime"],
    why: "what a cluster holds is text made from settings: it starts and asks nothing",
  },
  cli: {
    folders: [
      ...["api", "runtime", "broker", "dns-server", "connectivity", "controllers"],
      ...["sandbox", "install"],
    ],
    why: "the program assembles everything",
  },
  packaging: {
    folders: ["api", "runtime", "broker", "sandbox", "cli", "install"],
    why: "what is shipped is the program, verb by verb, and the reference is what the program says of itself",
  },
};

/** The third-party and IO modules that pure cores must not see. */
const IO_MODULES =
  /^(node:(fs|net|tls|http|https|http2|dgram|child_process|worker_threads|dns)|@grpc\/|@kubernetes\/|pino$)/;

describe("imports point downwards only", () => {
  for (const [folder, rule] of Object.entries(MAY_IMPORT)) {
    test(`${folder}: ${rule.why}`, () => {
      const wrong: string[] = [];
      for (const { path, text } of sourceFiles([folder])) {
        // Tests may look across: they assemble things to try them.
        if (path.includes(".test.") || path.includes(".compliance.")) continue;
        for (const specifier of importsOf(text)) {
          if (!specifier.startsWith(".")) continue;
          const target = join(dirname(path), specifier);
          const allowed = [folder, ...rule.folders].some(
            (prefix) => target === prefix || target.startsWith(`${prefix}/`),
          );
          if (!allowed) wrong.push(`${path} imports ${target}: ${rule.why}`);
        }
      }
      expect(wrong).toEqual([]);
    });
  }
});

test("api/, merge, zone and core folders do no IO: the simulation and the laws depend on it", () => {
  const pure = [
    /^api\/(?!.*\.gen\.ts)/,
    /^controllers\/(merge)\//,
    /^broker\/(core|wire|policy)\//,
    /^dns-server\/(zone|answer|wire)\//,
    /^install\//,
    /^sandbox\/apiserver\/(object|schema|kinds|patch|apply|store|watch|registry|deletion|selector|table)\//,
  ];
  const wrong = sourceFiles(["api", "controllers", "broker", "dns-server", "sandbox", "install"])
    .filter(({ path }) => pure.some((p) => p.test(path)) && !path.includes(".test."))
    .flatMap(({ path, text }) =>
      importsOf(text)
        .filter((specifier) => IO_MODULES.test(specifier))
        // net.isIP and friends compute; they open nothing.
        .filter(
          (specifier) =>
            specifier !== "node:net" ||
            !/import \{[^}]*\b(isIP|isIPv4|isIPv6|BlockList|SocketAddress)\b/.test(text),
        )
        .map((specifier) => `${path} imports ${specifier}`),
    );
  expect(wrong).toEqual([]);
});
