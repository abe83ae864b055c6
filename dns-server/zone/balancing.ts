import type { ServiceImport } from "../../api/mcs/service-import.ts";

// Annotations of a ServiceExport (`spec.exportedAnnotations`) that the winner's import carries to every cluster.
// They balance headless services alone: a ClusterSetIP has one address, which its cluster's proxies balance.

/** In `spec.exportedAnnotations`: `local` answers with own endpoints of a headless service alone, while enough are ready. */
export const ANNOTATION_AFFINITY = "dns.isthmus.dev/affinity";
/** In `spec.exportedAnnotations`: the percentage of own endpoints that has to be ready for that, 0 to 100; without it 50. */
export const ANNOTATION_LOCAL_THRESHOLD = "dns.isthmus.dev/local-threshold";
/** In `spec.exportedAnnotations`: parts of a headless service's traffic by cluster, `east=3,west=1`; 0 drains. */
export const ANNOTATION_WEIGHTS = "dns.isthmus.dev/weights";

/** How answers spread clients over clusters. */
export interface Balancing {
  /** The asking cluster's own endpoints alone, as long as enough of them are ready. */
  readonly prefersLocal: boolean;
  /** Share of the local endpoints that must be ready, 0 to 1; one ready endpoint must be there in any case. */
  readonly localThreshold: number;
  /** Parts of the traffic per cluster; clusters that are not named have 1. Undefined: every endpoint alike. */
  readonly weights?: ReadonlyMap<string, number>;
}

/** Half of the endpoints: fewer would be run over by the whole local traffic. */
const LOCAL_THRESHOLD_DEFAULT = 0.5;
const WEIGHT_MAX = 1000;

export const NO_BALANCING: Balancing = {
  prefersLocal: false,
  localThreshold: LOCAL_THRESHOLD_DEFAULT,
};

/** What cannot be understood is told and left out: a mistake in one annotation must not take names away. */
export function parseBalancing(
  serviceImport: ServiceImport,
  onProblem: (problem: string) => void,
): Balancing {
  const annotations = serviceImport.metadata.annotations ?? {};
  const affinity = annotations[ANNOTATION_AFFINITY];
  if (affinity !== undefined && affinity !== "local" && affinity !== "none") {
    onProblem(wrong(ANNOTATION_AFFINITY, "local or none", affinity));
  }
  const weights = parseWeights(annotations[ANNOTATION_WEIGHTS], onProblem);
  return {
    prefersLocal: affinity === "local",
    localThreshold: parseThreshold(annotations[ANNOTATION_LOCAL_THRESHOLD], onProblem),
    ...(weights === undefined ? {} : { weights }),
  };
}

function parseThreshold(text: string | undefined, onProblem: (problem: string) => void): number {
  if (text === undefined) return LOCAL_THRESHOLD_DEFAULT;
  const percent = Number(text);
  if (/^\d{1,3}$/.test(text) && percent <= 100) return percent / 100;
  onProblem(wrong(ANNOTATION_LOCAL_THRESHOLD, "a percentage from 0 to 100", text));
  return LOCAL_THRESHOLD_DEFAULT;
}

/** `east=3,west=1`. */
function parseWeights(
  text: string | undefined,
  onProblem: (problem: string) => void,
): ReadonlyMap<string, number> | undefined {
  if (text === undefined) return undefined;
  const weights = new Map<string, number>();
  for (const part of text.split(",")) {
    const match = /^\s*([a-z0-9-]{1,63})=(\d{1,4})\s*$/.exec(part);
    const weight = Number(match?.[2]);
    if (match?.[1] === undefined || weight > WEIGHT_MAX) {
      onProblem(
        wrong(ANNOTATION_WEIGHTS, `cluster=weight pairs, weights 0 to ${WEIGHT_MAX}`, text),
      );
      return undefined;
    }
    weights.set(match[1], weight);
  }
  return weights;
}

function wrong(annotation: string, rule: string, got: string): string {
  return `cannot follow annotation ${annotation}: must be ${rule}: got ${JSON.stringify(got.slice(0, 100))}`;
}
