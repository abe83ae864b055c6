import { describe, expect, test } from "vitest";
import { parseCorefile, serverKey } from "./corefile.ts";
import { KUBEADM, NODE_CACHE } from "./corefiles.fixture.ts";

const keysOf = (text: string): unknown => {
  const parsed = parseCorefile(text);
  return parsed.ok ? parsed.value.blocks.map(({ keys }) => keys) : parsed.error;
};

test.each([
  ["", []],
  ["# only a comment {\n", []],
  [KUBEADM, [[".:53"]]],
  [NODE_CACHE, [["cluster.local:53"], [".:53"]]],
  [
    "a.example:53, b.example\n{\n}\nc.example {\n}\n",
    [["a.example:53", "b.example"], ["c.example"]],
  ],
  ["a.example,\nb.example {\n  errors\n}", [["a.example", "b.example"]]],
  ["(log) {\n  errors\n}\n. {\n  import log\n}\n", [["."]]],
  ['. {\n  template ANY ANY {\n    answer "} # {"\n  }\n}\n', [["."]]],
  [". { # }\n  whoami # { {\n}\n", [["."]]],
  ["import /etc/more/*\n. {\n}\n", [["."]]],
  ['. {\n  answer "two\nlines \\" } "\n}\nx {\n}\n', [["."], ["x"]]],
])("%# %j", (text, want) => {
  expect(keysOf(text)).toEqual(want);
});

test.each([
  [".:53 {\n  errors\n", "line 1: every opening brace must be closed: got .:53"],
  [".:53\nerrors\n", "line 1: a server block must have braces: got .:53"],
  ["\n{\n}\n", "line 2: a server block must have a zone: got {"],
  ['. {\n  answer "open\n}\n', 'line 2: a quoted word must end: got "open\n}\n'],
  [". {\n}\n}\n", "line 3: a server block must have braces: got }"],
])("%j is refused: %s", (text, want) => {
  expect(keysOf(text)).toBe(want);
});

test("plugins with the arguments of their line, not what is inside of their braces", () => {
  const parsed = parseCorefile(NODE_CACHE);
  const [cluster] = parsed.ok ? parsed.value.blocks : [];
  expect(cluster?.plugins.map(({ name }) => name)).toEqual([
    "errors",
    "cache",
    "reload",
    "loop",
    "bind",
    "forward",
    "prometheus",
    "health",
  ]);
  expect(cluster?.plugins[4]?.args).toEqual(["169.254.20.10", "10.96.0.10"]);
});

describe("keys of server blocks", () => {
  test.each([
    [".:53", { zone: "", port: 53 }],
    [".", { zone: "", port: 53 }],
    ["Cluster.Local.:1053", { zone: "cluster.local", port: 1053 }],
    ["dns://clusterset.local", { zone: "clusterset.local", port: 53 }],
    ["tls://clusterset.local", undefined],
    [":53", { zone: "", port: 53 }],
  ])("%s", (key, want) => {
    expect(serverKey(key)).toEqual(want);
  });
});
