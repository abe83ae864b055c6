import { join } from "node:path";

export const DEMO_CLUSTERS = { default: 3, min: 2, max: 9 } as const;

/** Everything about one embedded member that is known before it starts. */
export interface DemoMember {
  readonly id: string;
  readonly podCidr: string;
  readonly serviceCidr: string;
  readonly apiPort: number;
  readonly socksPort: number;
  readonly fabricPort: number;
  readonly healthPort: number;
  readonly proxyHealthPort: number;
  /** Its proxy, as pods know it. */
  readonly proxyIp: string;
  /** Where its pods are on this machine, for the proxy: `10.1.0.=127.40.3.`. */
  readonly doors: string;
  readonly kubeconfig: string;
}

export const PORTS_PER_MEMBER = 5;

/** Behind those of the sample's pods, which are handed out from the first on. */
const PROXY_AT = 200;
export const PROXY_PORT = 7443;

/** Addresses as real clusters have them: pods and Services of each member out of a /16 of its own in 10.0.0.0/8. */
export function demoMembers(
  count: number,
  directory: string,
  ports: readonly number[],
): readonly DemoMember[] {
  return Array.from({ length: count }, (_, index) => {
    const number = index + 1;
    const port = (offset: number): number => ports[index * PORTS_PER_MEMBER + offset] ?? 0;
    const id = `member-${number}`;
    return {
      id,
      podCidr: `10.${number}.0.0/16`,
      serviceCidr: `10.${100 + number}.0.0/16`,
      apiPort: port(0),
      socksPort: port(1),
      fabricPort: port(2),
      healthPort: port(3),
      proxyHealthPort: port(4),
      proxyIp: `10.${number}.0.${PROXY_AT}`,
      // A port is nobody else's on this machine, and so are these addresses.
      doors: `10.${number}.0.=127.${port(0) >> 8}.${port(0) & 255}.`,
      kubeconfig: join(directory, id, "kubeconfig"),
    };
  });
}

/** How the underlay routes: every member's pods behind its fabric, as `cidr=host:port`. */
export function peersOf(member: DemoMember, all: readonly DemoMember[]): readonly string[] {
  return all
    .filter(({ id }) => id !== member.id)
    .map(({ podCidr, fabricPort }) => `${podCidr}=127.0.0.1:${fabricPort}`);
}
