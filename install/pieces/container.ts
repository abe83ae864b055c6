import type { Container } from "./piece-words.ts";

/** @param powers that it has beside those of an ordinary process, such as NET_ADMIN */
export function containerOf(container: Container, powers: readonly string[]): object {
  const { image, imagePullPolicy, args, ports, healthPort, memoryLimit } = container;
  const variables = variablesOf(container);
  return {
    name: "isthmus",
    image,
    imagePullPolicy,
    args,
    ...(variables.length === 0 ? {} : { env: variables }),
    ports: [...ports, { name: "health", port: healthPort, protocol: "TCP" }].map(
      ({ name, port, protocol }) => ({ name, containerPort: port, protocol }),
    ),
    // Two minutes: on a busy node a start takes long, and one that is ended in its midst begins anew.
    startupProbe: { ...probe("/livez", 2), failureThreshold: 60 },
    livenessProbe: probe("/livez", 10),
    readinessProbe: probe("/readyz", 5),
    resources: {
      requests: { cpu: "50m", memory: "128Mi" },
      limits: { memory: memoryLimit },
    },
    securityContext: securityContext(powers),
    volumeMounts: mountsOf(container),
  };
}

export function securityContext(powers: readonly string[]): object {
  return {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { ...(powers.length === 0 ? {} : { add: powers }), drop: ["ALL"] },
  };
}

export function variablesOf({ fields }: Pick<Container, "fields">): readonly object[] {
  return Object.entries(fields).map(([name, fieldPath]) => ({
    name,
    valueFrom: { fieldRef: { fieldPath } },
  }));
}

type Volumes = Pick<Container, "scratch" | "secrets" | "configMaps">;

export function volumesOf({ scratch, secrets, configMaps }: Volumes): readonly object[] {
  return [
    ...scratch.map(({ name }) => ({ name, emptyDir: {} })),
    ...secrets.map(({ name, secret, optional }) => ({
      name,
      secret: { secretName: secret, optional },
    })),
    ...configMaps.map(({ name, configMap }) => ({ name, configMap: { name: configMap } })),
  ];
}

function mountsOf({ scratch, secrets, configMaps }: Volumes): readonly object[] {
  return [
    ...scratch.map(({ name, path }) => ({ name, mountPath: path })),
    ...[...secrets, ...configMaps].map(({ name, path }) => ({
      name,
      mountPath: path,
      readOnly: true,
    })),
  ];
}

function probe(path: string, periodSeconds: number): object {
  return { httpGet: { path, port: "health" }, periodSeconds, timeoutSeconds: 5 };
}
