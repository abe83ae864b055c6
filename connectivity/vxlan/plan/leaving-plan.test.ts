import { expect, test } from "vitest";
import { example, type Families } from "./example.fixture.ts";
import type { Route } from "./kernel-state.ts";
import { leavingPlan } from "./leaving-plan.ts";
import { gatewayName } from "./networks.ts";
import { NO_SLOTS } from "./plan.ts";
import { planGateway } from "./plan-gateway.ts";
import { deadEndTable, wanTable } from "./route-tables.ts";
import { DEFAULT_VXLAN_SETTINGS as settings } from "./settings.ts";

test.each<Families>(["v4", "v6", "dual"])(
  "a gateway that is none any more sends peers nothing by itself, %s",
  (families) => {
    const own = example(1, families, { nodes: 3, gateways: 2 });
    const other = example(2, families, { nodes: 2, gateways: 2 });
    const key = "fd69::2";
    const plan = planGateway({
      network: own.own,
      node: "node-1",
      peers: [
        {
          ...other.peer,
          through: other.gatewayNames.map((node) => gatewayName(other.cluster, node)),
        },
      ],
      outer: {
        local: own.facts[0]?.internalIps ?? [],
        mtu: 1_500,
        encrypted: {
          addresses: new Map(
            other.gatewayNames.map((node) => [gatewayName(other.cluster, node), key]),
          ),
          routes: [{ destination: `${key}/128`, device: "isth-wg-1", source: "fd69::1" }],
        },
      },
      slots: NO_SLOTS,
      settings,
    });
    if (plan === undefined) throw new Error("a gateway has a plan");
    const left = leavingPlan(plan, settings);
    const destinations = (routes: readonly Route[], table: number): readonly string[] =>
      routes.filter((route) => route.table === table).map(({ destination }) => destination);
    const wan = wanTable(settings);
    const { prefixes } = other.peer;
    expect(destinations(plan.kernel.routes, wan)).toEqual(expect.arrayContaining([...prefixes]));
    expect(prefixes).not.toHaveLength(0);
    // The peers' gateways themselves, and what encryption needs, are reached as before.
    expect(destinations(left.kernel.routes, wan)).toEqual(
      destinations(plan.kernel.routes, wan).filter((each) => !prefixes.includes(each)),
    );
    expect(destinations(left.kernel.routes, wan)).toContain(`${key}/128`);
    expect(destinations(left.kernel.routes, deadEndTable(settings))).toEqual([]);
    // Nor past all routes.
    expect(left.shortcut).toBeUndefined();
    const back = ({ table }: Route): boolean => table !== wan && table !== deadEndTable(settings);
    expect(left.kernel.routes.filter(back)).toEqual(plan.kernel.routes.filter(back));
    expect({ ...left, kernel: { ...left.kernel, routes: [] } }).toEqual({
      ...plan,
      shortcut: undefined,
      kernel: { ...plan.kernel, routes: [] },
    });
  },
);
