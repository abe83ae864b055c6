import type { KubeObject } from "../../api/kube/object.ts";

/** One process of ours in a cluster, as far as processes differ. */
export interface Process {
  /** Of the Deployment, the service account and all that goes with it. */
  readonly name: string;
  readonly namespace: string;
  readonly image: string;
  readonly imagePullPolicy: string;
  readonly replicas: number;
  /** Verb and flags. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly ports: readonly Port[];
  /** Of /livez, /readyz and /metrics. */
  readonly healthPort: number;
  readonly memoryLimit: string;
  /** Folders that may be written; gone with the pod. */
  readonly scratch: readonly Mount[];
  readonly secrets: readonly (Mount & { readonly secret: string; readonly optional: boolean })[];
  readonly configMaps: readonly (Mount & { readonly configMap: string })[];
}

export interface Port {
  readonly name: string;
  readonly port: number;
  readonly protocol: "TCP" | "UDP";
}

interface Mount {
  readonly name: string;
  readonly path: string;
}

export const labelsOf = (name: string) =>
  ({ "app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "isthmus" }) as const;

export const selectorOf = (name: string) => ({ "app.kubernetes.io/name": name }) as const;

/** The user of the image: nobody. */
const USER = 65_532;

/** A Deployment that runs as nobody, on a file system it may not write to, with no powers. */
export function deploymentOf(process: Process): KubeObject & { readonly spec: object } {
  const { name, namespace, replicas } = process;
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { namespace, name, labels: labelsOf(name) },
    spec: {
      replicas,
      selector: { matchLabels: selectorOf(name) },
      // One more before one less: a member's DNS and leader are never away.
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: { metadata: { labels: labelsOf(name) }, spec: podOf(process) },
    },
  };
}

function podOf(process: Process): object {
  const { name, scratch, secrets, configMaps } = process;
  const volumes = [
    ...scratch.map((one) => ({ name: one.name, emptyDir: {} })),
    ...secrets.map(({ name: volume, secret, optional }) => ({
      name: volume,
      secret: { secretName: secret, optional },
    })),
    ...configMaps.map((one) => ({ name: one.name, configMap: { name: one.configMap } })),
  ];
  return {
    serviceAccountName: name,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: USER,
      runAsGroup: USER,
      fsGroup: USER,
      seccompProfile: { type: "RuntimeDefault" },
    },
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: "kubernetes.io/hostname",
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector: { matchLabels: selectorOf(name) },
      },
    ],
    containers: [containerOf(process)],
    volumes,
  };
}

function containerOf(process: Process): object {
  const { image, imagePullPolicy, args, env, ports, healthPort, memoryLimit } = process;
  const mounts = [
    ...process.scratch.map(({ name, path }) => ({ name, mountPath: path })),
    ...[...process.secrets, ...process.configMaps].map(({ name, path }) => ({
      name,
      mountPath: path,
      readOnly: true,
    })),
  ];
  const variables = Object.entries(env).map(([name, value]) => ({ name, value }));
  return {
    name: "isthmus",
    image,
    imagePullPolicy,
    args,
    ...(variables.length === 0 ? {} : { env: variables }),
    ports: [...ports, { name: "health", port: healthPort, protocol: "TCP" }].map(
      ({ name, port, protocol }) => ({ name, containerPort: port, protocol }),
    ),
    livenessProbe: probe("/livez", 10),
    readinessProbe: probe("/readyz", 5),
    resources: {
      requests: { cpu: "50m", memory: "128Mi" },
      limits: { memory: memoryLimit },
    },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    },
    volumeMounts: mounts,
  };
}

function probe(path: string, periodSeconds: number): object {
  return { httpGet: { path, port: "health" }, periodSeconds, timeoutSeconds: 5 };
}
