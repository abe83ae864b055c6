import type { Protocol } from "../kube/service.ts";

/** A port of a merged service: of rows, where no name is an empty one, or of a ServiceImport, where it is absent. */
export interface MergedPort {
  readonly name?: string;
  readonly protocol: Protocol;
  readonly port: number;
}

/**
 * Name of a merged port where Kubernetes joins ports by name: the derived Service and its slices.
 * A core Service with several ports needs all of them named, a merged one may hold an unnamed port (CON-22).
 */
export function slicePortName(
  { name = "", protocol, port }: MergedPort,
  all: readonly MergedPort[],
): string {
  if (name !== "" || all.length === 1) return name;
  const generated = `p-${port}-${protocol.toLowerCase()}`;
  return all.some((other) => other.name === generated) ? `${generated}-unnamed` : generated;
}
