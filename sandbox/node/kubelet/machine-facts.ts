import { arch, availableParallelism, platform, release, totalmem } from "node:os";

/** Kubernetes' words for machines. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };

/** The machine the node runs on, as its Node object tells it. */
export interface MachineFacts {
  readonly capacity: Readonly<Record<"cpu" | "memory" | "pods", string>>;
  readonly nodeInfo: Readonly<Record<string, string>>;
}

/** Nothing is reserved for pods or limited: the capacity is what there is, and as many pods as there are addresses. */
export function machineFacts(podAddresses: number): MachineFacts {
  const machine = arch();
  return {
    capacity: {
      cpu: String(availableParallelism()),
      memory: `${Math.floor(totalmem() / 1024)}Ki`,
      pods: String(podAddresses),
    },
    nodeInfo: {
      architecture: ARCHITECTURES[machine] ?? machine,
      bootID: "",
      containerRuntimeVersion: "isthmus-sandbox://1",
      kernelVersion: release(),
      kubeProxyVersion: "",
      kubeletVersion: "v1.36.0-isthmus",
      machineID: "",
      operatingSystem: platform(),
      osImage: "Isthmus sandbox",
      systemUUID: "",
    },
  };
}
