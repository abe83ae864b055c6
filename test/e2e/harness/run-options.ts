/** What `npm run test:e2e` was told of existing clusters. */
export interface RunOptions {
  readonly kubeconfig: string;
  readonly contexts: readonly string[];
  /** The program's, as nodes of these clusters pull it; undefined: there are no nodes, or they must not run it. */
  readonly image: string | undefined;
  /** The same for gateways and node agents. */
  readonly netImage: string | undefined;
  /** Port of the nodes at which members may reach a hub; undefined: there are load balancers. */
  readonly nodePort: number | undefined;
  /** Roles and service accounts are the chart's, as helm renders it, not those of `isthmus manifests`. */
  readonly charts: boolean;
}

/** Undefined: embedded clusters are made. Set by `../run.ts`, since tests are processes of their own. */
export function runOptions(): RunOptions | undefined {
  const { env } = process;
  const kubeconfig = env["ISTHMUS_E2E_KUBECONFIG"];
  const contexts = env["ISTHMUS_E2E_CONTEXTS"];
  if (kubeconfig === undefined || contexts === undefined) return undefined;
  const nodePort = env["ISTHMUS_E2E_NODE_PORT"];
  return {
    kubeconfig,
    contexts: contexts.split(","),
    image: env["ISTHMUS_E2E_IMAGE"],
    netImage: env["ISTHMUS_E2E_NET_IMAGE"],
    nodePort: nodePort === undefined ? undefined : Number(nodePort),
    charts: env["ISTHMUS_E2E_CHARTS"] !== undefined,
  };
}
