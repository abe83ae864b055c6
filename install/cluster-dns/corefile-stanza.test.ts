import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseCorefile } from "./corefile.ts";
import { addStanza, removeStanza, stanzaText } from "./corefile-stanza.ts";
import { AKS, K3S, KUBEADM, NODE_CACHE } from "./corefiles.fixture.ts";

const ADDRESS = "10.96.0.53";
const ours = [ADDRESS] as const;

/** Corefiles of every kind of piece, in any order, ended in any way. */
const plugin = fc.constantFrom(
  "errors",
  "cache 30 {\n    disable denial cluster.local\n  }",
  "forward . 1.1.1.1",
  'template ANY ANY {\n    answer "{ # }"\n  }',
  "# a comment { with a brace",
  "",
);
const zone = fc.constantFrom(".", "cluster.local:53", "example.org", "a.b:5353,\nc.d", "dns://e.f");
const block = fc
  .tuple(zone, fc.array(plugin, { maxLength: 4 }))
  .map(([key, plugins]) => `${key} {\n${plugins.map((one) => `  ${one}\n`).join("")}}`);
const piece = fc.oneof(
  block,
  fc.constantFrom("# comment", "\n\t ", "import more/*.conf", "(snippet) {\n  errors\n}"),
);
const corefile = fc
  .tuple(fc.array(piece, { maxLength: 6 }), fc.constantFrom("", "\n", "\r\n", " ", "# end"))
  .map(([pieces, end]) => pieces.join("\n") + end);

describe("laws", () => {
  test("removing what was added gives the text back, byte for byte", () => {
    fc.assert(
      fc.property(corefile, (text) => {
        const added = addStanza(text, ours);
        return added.ok && removeStanza(added.value, ours) === text;
      }),
    );
  });

  test("everything else is the same, and our block is there once", () => {
    fc.assert(
      fc.property(corefile, (text) => {
        const added = addStanza(text, ours);
        if (!added.ok) throw new Error(added.error);
        expect(added.value.endsWith(text)).toBe(true);
        const before = parseCorefile(text);
        const after = parseCorefile(added.value);
        if (!before.ok || !after.ok) throw new Error("both are Corefiles");
        const facts = ({ blocks }: typeof after.value): unknown =>
          blocks.map(({ keys, plugins }) => ({ keys, plugins }));
        const [first, ...others] = after.value.blocks;
        expect(first?.keys).toEqual([expect.stringMatching(/^clusterset\.local:\d+$/)]);
        expect(facts({ ...after.value, blocks: others })).toEqual(facts(before.value));
        expect(after.value.imports).toEqual(before.value.imports);
      }),
    );
  });

  test("adding twice is adding once", () => {
    fc.assert(
      fc.property(corefile, (text) => {
        const once = addStanza(text, ours);
        const twice = once.ok ? addStanza(once.value, ours) : once;
        return once.ok && twice.ok && twice.value === once.value;
      }),
    );
  });

  test("whatever the text is, removing changes nothing when there is nothing of ours", () => {
    fc.assert(fc.property(fc.string(), (text) => removeStanza(text, ours) === text));
    fc.assert(fc.property(corefile, (text) => removeStanza(text, ours) === text));
  });
});

test.each([
  ["kubeadm", KUBEADM, { port: 53, bind: [] }],
  ["k3s", K3S, { port: 53, bind: [] }],
  ["AKS", AKS, { port: 53, bind: [] }],
  ["a node's cache", NODE_CACHE, { port: 53, bind: ["169.254.20.10", "10.96.0.10"] }],
  ["another port", ".:5353 {\n  kubernetes cluster.local\n}\n", { port: 5353, bind: [] }],
  ["no server at all", "", { port: 53, bind: [] }],
])("%s: port and bind of the block that serves the cluster's names", (_, text, place) => {
  expect(addStanza(text, ours)).toEqual({
    ok: true,
    value: `${stanzaText({ address: ADDRESS, ...place })}${text}`,
  });
});

test("the stanza, word for word", () => {
  expect(stanzaText({ address: "fd00::53", port: 53, bind: ["169.254.20.10"] })).toBe(
    `# isthmus begin: written by \`isthmus wire-dns\`, and removed by it
clusterset.local:53 {
    errors
    bind 169.254.20.10
    cache 5
    forward . fd00::53
}
# isthmus end
`,
  );
});

describe("somebody else's block of the zone", () => {
  test.each([
    "clusterset.local:53 {\n  forward . 10.9.9.9\n}\n",
    "other.local Clusterset.Local.:53 {\n  forward . 10.96.0.53\n}\n",
    "dns://clusterset.local {\n  forward . 10.96.0.53 10.96.0.54\n}\n",
  ])("%j stands in the way, and stays", (text) => {
    const added = addStanza(`${KUBEADM}${text}`, ours);
    expect(added).toMatchObject({
      ok: false,
      error: expect.stringContaining("line 24 serves clusterset.local already"),
    });
    expect(removeStanza(`${KUBEADM}${text}`, ours)).toBe(`${KUBEADM}${text}`);
  });
});

describe("what others did to the text since", () => {
  const added = addStanza(KUBEADM, ours);
  const wired = added.ok ? added.value : "";

  test.each([
    ["added a block", `${wired}x.local {\n}\n`, `${KUBEADM}x.local {\n}\n`],
    ["put something first", `# mine\n${wired}`, `# mine\n${KUBEADM}`],
    ["changed ours", wired.replace("cache 5", "cache 1"), KUBEADM],
    ["dropped the comments", wired.replace(/^# isthmus.*\n/gm, ""), KUBEADM],
    ["removed ours", KUBEADM, KUBEADM],
  ])("%s", (_, now, want) => {
    expect(removeStanza(now, ours)).toBe(want);
  });

  test("an address that is no more is replaced, not added to", () => {
    const moved = addStanza(wired, ["10.96.0.99", ADDRESS]);
    expect(moved).toEqual({ ok: true, value: wired.replace(ADDRESS, "10.96.0.99") });
    const bare = wired.replace(/^# isthmus.*\n/gm, "");
    expect(addStanza(bare, ["10.96.0.99", ADDRESS])).toEqual(moved);
  });
});
