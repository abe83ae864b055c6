import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { diffKernelState, replacesLink } from "./diff-kernel-state.ts";
import { example, type Families } from "./example.fixture.ts";
import type { KernelCommand } from "./kernel-command.ts";
import { EMPTY_KERNEL_STATE, type KernelState } from "./kernel-state.ts";
import { gatewayName } from "./networks.ts";
import { NO_SLOTS } from "./plan.ts";
import { planGateway } from "./plan-gateway.ts";
import { planNode } from "./plan-node.ts";
import { DEFAULT_VXLAN_SETTINGS } from "./settings.ts";

const settings = DEFAULT_VXLAN_SETTINGS;

interface World {
  readonly families: Families;
  readonly nodes: number;
  readonly gateways: number;
  readonly peers: number;
  readonly down: number;
  readonly mtu: number | undefined;
  readonly outerMtu: number;
}

const worlds: fc.Arbitrary<World> = fc.record({
  families: fc.constantFrom<Families>("v4", "v6", "dual"),
  nodes: fc.integer({ min: 3, max: 5 }),
  gateways: fc.integer({ min: 0, max: 3 }),
  peers: fc.integer({ min: 0, max: 3 }),
  down: fc.integer({ min: 0, max: 3 }),
  mtu: fc.constantFrom(undefined, 1_200, 1_400),
  outerMtu: fc.constantFrom(1_280, 1_400, 1_500, 9_000),
});

/** What a node, and a gateway on it, have in the kernel in such a world. */
function statesOf(world: World): readonly KernelState[] {
  const { families, nodes, gateways, peers: count, down, mtu, outerMtu } = world;
  const { own, gatewayNames, facts } = example(1, families, { nodes, gateways });
  const peers = Array.from({ length: count }, (_, index) =>
    example(index + 2, families, { nodes, gateways: Math.max(gateways, 1) }),
  );
  const paths = (through: (peer: (typeof peers)[number]) => readonly string[]) =>
    peers.map((peer) => ({ ...peer.peer, through: through(peer), ...(mtu && { mtu }) }));
  const shared = { network: own, node: "node-1", slots: NO_SLOTS, settings };
  const node = planNode({ ...shared, peers: paths(() => gatewayNames.slice(down)), outerMtu });
  const gateway = planGateway({
    ...shared,
    peers: paths(({ cluster, gatewayNames: theirs }) =>
      theirs.slice(down).map((name) => gatewayName(cluster, name)),
    ),
    outer: { local: facts[0]?.internalIps ?? [], mtu: outerMtu },
  });
  return [node, gateway].flatMap((plan) => (plan === undefined ? [] : [plan.kernel]));
}

const anyState = worlds.chain((world) => fc.constantFrom(...statesOf(world)));

describe("from one state of the kernel to another", () => {
  test("nothing to do between equal states, whatever order they are told in", () => {
    fc.assert(
      fc.property(anyState, (state) => {
        const reversed = {
          ...state,
          routes: [...state.routes].reverse(),
          nexthops: [...state.nexthops].reverse(),
          groups: state.groups.map(({ id, members }) => ({ id, members: [...members].reverse() })),
        };
        expect(diffKernelState(state, state)).toEqual([]);
        expect(diffKernelState(reversed, state)).toEqual([]);
      }),
    );
  });

  test("what is new comes before what is old goes", () => {
    fc.assert(
      fc.property(anyState, anyState, (from, to) => {
        fc.pre(!replacesLink(to, from));
        const removals = diffKernelState(to, from).map(isRemoval);
        expect(removals).toEqual([...removals].sort((a, b) => Number(a) - Number(b)));
      }),
    );
  });

  test("everything that is made is also removed, and nothing else", () => {
    fc.assert(
      fc.property(anyState, (state) => {
        const made = diffKernelState(state, EMPTY_KERNEL_STATE);
        const removed = diffKernelState(EMPTY_KERNEL_STATE, state);
        expect(made.some(isRemoval)).toBe(false);
        expect(removed.every(isRemoval)).toBe(true);
        expect(removed).toHaveLength(made.filter((command) => !isSetting(command)).length);
      }),
    );
  });

  test("a nexthop is there before a group has it, and a group is let go before its nexthops", () => {
    fc.assert(
      fc.property(anyState, anyState, (from, to) => {
        const lines = diffKernelState(to, from).map(({ line }) => line);
        const at = (part: RegExp) => lines.findIndex((line) => part.test(line));
        for (const { id } of to.nexthops) {
          const made = at(new RegExp(`^nexthop replace id ${id} via`));
          const used = at(new RegExp(`^nexthop replace id \\d+ group (.*/)?${id}(/| )`));
          if (made >= 0 && used >= 0) expect(made).toBeLessThan(used);
        }
        const firstRoute = at(/^route replace/);
        const lastGroup = lines.findLastIndex((line) => / group /.test(line));
        if (firstRoute >= 0) expect(lastGroup).toBeLessThan(firstRoute);
      }),
    );
  });

  test("a link of other properties is made anew, one of another size is changed", () => {
    const [state] = statesOf({
      families: "v4",
      nodes: 3,
      gateways: 1,
      peers: 1,
      down: 0,
      mtu: undefined,
      outerMtu: 1_500,
    });
    if (state === undefined) throw new Error("a node has a state");
    const other = (change: object): KernelState => ({
      ...state,
      links: state.links.map((link) => ({ ...link, ...change })),
    });
    expect(lines(diffKernelState(other({ mtu: 1_400 }), state))).toEqual([
      "link set dev isth-node mtu 1400",
      "link set dev isth-node addrgenmode none",
      "link set dev isth-node type vxlan df set",
    ]);
    expect(lines(diffKernelState(other({ vni: 7 }), state))[0]).toBe("link del dev isth-node");
    expect(replacesLink(other({ vni: 7 }), state)).toBe(true);
    expect(replacesLink(other({ mtu: 7 }), state)).toBe(false);
  });
});

function lines(commands: readonly KernelCommand[]): readonly string[] {
  return commands.map(({ line }) => line);
}

function isRemoval({ line }: KernelCommand): boolean {
  return / del /.test(` ${line.split(" ").slice(0, 2).join(" ")} `);
}

/** Of a link that is made: says nothing that has to be removed. */
function isSetting({ line }: KernelCommand): boolean {
  return line.startsWith("link set");
}
