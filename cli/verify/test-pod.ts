/** Distroless images have Node where no shell would look for it. */
const PATH = "/nodejs/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export interface TestPod {
  readonly image: string;
  /** For `node -e`. */
  readonly program: string;
  readonly env: Readonly<Record<string, string>>;
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
}

/** As clusters with the strictest pod security (`restricted`) take it: nobody, no powers, nothing to write to, no token. */
export function testPodSpec({ image, program, env, ports }: TestPod): object {
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: 1,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 65_532,
      runAsGroup: 65_532,
      seccompProfile: { type: "RuntimeDefault" },
    },
    containers: [
      {
        name: "web",
        image,
        imagePullPolicy: "IfNotPresent",
        command: ["node", "-e", program],
        env: Object.entries({ PATH, ...env }).map(([name, value]) => ({ name, value })),
        ports,
        resources: {
          requests: { cpu: "10m", memory: "64Mi" },
          limits: { memory: "128Mi" },
        },
        securityContext: {
          allowPrivilegeEscalation: false,
          capabilities: { drop: ["ALL"] },
          readOnlyRootFilesystem: true,
        },
      },
    ],
  };
}
