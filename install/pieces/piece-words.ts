/** What a process of ours is in a pod, as far as processes differ. */
export interface Container {
  /** Of the Deployment or DaemonSet, the service account and all that goes with it. */
  readonly name: string;
  readonly namespace: string;
  readonly image: string;
  readonly imagePullPolicy: string;
  /** Verb and flags; `$(NAME)` is one of `fields`. */
  readonly args: readonly string[];
  /** Variables by name: which field of the pod they are. */
  readonly fields: Readonly<Record<string, string>>;
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

export interface Mount {
  readonly name: string;
  readonly path: string;
}

export const labelsOf = (name: string) =>
  ({ "app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "isthmus" }) as const;

export const selectorOf = (name: string) => ({ "app.kubernetes.io/name": name }) as const;
