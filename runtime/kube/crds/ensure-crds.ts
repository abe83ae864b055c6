import type { Condition } from "../../../api/kube/condition.ts";
import type { CustomResourceDefinition } from "../../../api/kube/custom-resource-definition.ts";
import { CUSTOM_RESOURCE_DEFINITIONS } from "../../../api/kube/custom-resource-definition.ts";
import type { Result } from "../../../api/result.ts";
import { err, ok } from "../../../api/result.ts";
import type { Clock } from "../../clock/clock.ts";
import { deadline } from "../../clock/deadline.ts";
import { sleep } from "../../clock/sleep.ts";
import type { KubeClient } from "../kube-client.ts";
import type { KubeError } from "../kube-error.ts";
import type { CrdDecision } from "./crd-release.ts";
import { decideCrd } from "./crd-release.ts";

export interface EnsureCrdsDeps {
  readonly client: Pick<KubeClient, "get" | "create" | "update">;
  readonly clock: Clock;
}

export interface CrdOutcome {
  readonly name: string;
  readonly decision: CrdDecision;
}

const TIMEOUT_MS = 30_000;
const POLL_MS = 200;
/** Another installer may be at work at the same time: who loses the race looks again. */
const ATTEMPTS = 5;

interface InstalledCrd extends CustomResourceDefinition {
  readonly status?: { readonly conditions?: readonly Condition[] | null };
}

/**
 * Brings each CRD to at least our release (VER-07) and waits until the API server serves it. Never deletes one:
 * CRDs may be shared with other tools (CLN-11). The error is for the operator.
 */
export async function ensureCrds(
  manifests: readonly CustomResourceDefinition[],
  deps: EnsureCrdsDeps,
  signal: AbortSignal,
): Promise<Result<readonly CrdOutcome[], string>> {
  using limit = deadline(deps.clock, TIMEOUT_MS, signal);
  const outcomes: CrdOutcome[] = [];
  for (const manifest of manifests) {
    const { name } = manifest.metadata;
    const decision = await ensureOne(manifest, deps, limit.signal);
    if (!decision.ok) return err(`cannot install CRD ${name}: ${decision.error.message}`);
    outcomes.push({ name, decision: decision.value });
  }
  for (const { name } of outcomes) {
    const established = await waitEstablished(name, deps, limit.signal);
    if (!established.ok) return err(`CRD ${name} is not served: ${established.error}`);
  }
  return ok(outcomes);
}

async function ensureOne(
  manifest: CustomResourceDefinition,
  { client }: EnsureCrdsDeps,
  signal: AbortSignal,
): Promise<Result<CrdDecision, KubeError>> {
  for (let attempt = 1; ; attempt++) {
    const found = await findCrd(manifest.metadata.name, client, signal);
    if (!found.ok) return found;
    const decision = decideCrd(manifest, found.value);
    if (decision === "keep") return ok(decision);
    const written =
      found.value === undefined
        ? await client.create(CUSTOM_RESOURCE_DEFINITIONS, manifest, { signal })
        : await client.update(CUSTOM_RESOURCE_DEFINITIONS, replaced(found.value, manifest), {
            signal,
          });
    if (written.ok) return ok(decision);
    const { kind } = written.error;
    const raced = kind === "conflict" || kind === "already-exists" || kind === "not-found";
    if (!raced || attempt === ATTEMPTS) return written;
  }
}

/** Our spec and labels; annotations, finalizers and labels of others stay. */
function replaced(
  installed: CustomResourceDefinition,
  manifest: CustomResourceDefinition,
): CustomResourceDefinition {
  const { metadata } = installed;
  const labels = { ...metadata.labels, ...manifest.metadata.labels };
  const annotations = { ...metadata.annotations, ...manifest.metadata.annotations };
  return { ...installed, metadata: { ...metadata, labels, annotations }, spec: manifest.spec };
}

async function waitEstablished(
  name: string,
  { client, clock }: EnsureCrdsDeps,
  signal: AbortSignal,
): Promise<Result<void, string>> {
  for (;;) {
    const found = await findCrd(name, client, signal);
    if (found.ok) {
      const conditions = found.value?.status?.conditions ?? [];
      const isTrue = (type: string): boolean =>
        conditions.some((condition) => condition.type === type && condition.status === "True");
      if (isTrue("Established")) return ok(undefined);
      const refused = conditions.find(
        ({ type, status }) => type === "NamesAccepted" && status === "False",
      );
      if (refused !== undefined) return err(`names not accepted: ${refused.message}`);
    }
    if (signal.aborted) {
      return err(found.ok ? "it was not established in time" : found.error.message);
    }
    await sleep(clock, POLL_MS, signal);
  }
}

async function findCrd(
  name: string,
  client: EnsureCrdsDeps["client"],
  signal: AbortSignal,
): Promise<Result<InstalledCrd | undefined, KubeError>> {
  const ref = { resource: CUSTOM_RESOURCE_DEFINITIONS, name };
  const found = await client.get<InstalledCrd>(ref, { signal });
  return !found.ok && found.error.kind === "not-found" ? ok(undefined) : found;
}
