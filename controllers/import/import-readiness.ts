import type { IpFamily } from "../../api/kube/service.ts";
import { MESSAGE_CHARS_MAX } from "../../api/mcs/conditions.ts";
import type { Result } from "../../api/result.ts";
import type { KubeError } from "../../runtime/kube/kube-error.ts";
import type { MergedService } from "../merge/merge-exports.ts";
import type { ConditionDraft } from "../reconcile/stamp-conditions.ts";
import type { DerivedOutcome } from "./derived-service/ensure-derived-service.ts";
import type { Occupied } from "./slices/apply-slices.ts";

/** What stands behind an import in this cluster. */
export interface ImportFacts {
  /** Those of the merge that this cluster can route. */
  readonly families: readonly IpFamily[];
  readonly derived: DerivedOutcome;
  /** Slices of ours that could not be had because somebody else's have their names, or why none could be written. */
  readonly slices: Result<readonly Occupied[], KubeError>;
}

/**
 * The import's Ready condition (IMP-27, IMP-28): a headless import needs no address, any other needs one, and the slices that DNS and
 * proxies read must be there.
 */
export function importReadiness(merged: MergedService, facts: ImportFacts): ConditionDraft {
  const { derived, families, slices } = facts;
  if (families.length === 0) {
    return notReady(
      "IPFamilyNotSupported",
      `this cluster supports none of the service's IP families: ${merged.ipFamilies.join(", ")}`,
    );
  }
  if (merged.type === "ClusterSetIP") {
    if (derived.kind === "occupied") {
      const lacks =
        derived.predecessor === undefined
          ? "no clusterset IP"
          : "the clusterset IP is another controller's";
      return notReady(
        "Pending",
        `${lacks}: a Service named ${derived.name} exists and is not managed by Isthmus; delete or rename it`,
      );
    }
    if (derived.kind === "failed" && derived.service === undefined) {
      return notReady(
        isFamilyError(derived.error) ? "IPFamilyNotSupported" : "Pending",
        `no clusterset IP: cannot make the derived Service: ${derived.error.message}`,
      );
    }
  }
  if (!slices.ok) {
    return notReady("Pending", `endpoints are missing: ${slices.error.message}`);
  }
  const [occupied] = slices.value;
  if (occupied !== undefined) {
    return notReady(
      "Pending",
      `endpoints are missing: an EndpointSlice named ${occupied.name} exists and is not managed by Isthmus; delete or rename it`,
    );
  }
  return { type: "Ready", status: "True", reason: "Ready", message: "the service is reachable" };
}

function notReady(reason: "IPFamilyNotSupported" | "Pending", message: string): ConditionDraft {
  return { type: "Ready", status: "False", reason, message: message.slice(0, MESSAGE_CHARS_MAX) };
}

/** The API server names the field it refuses: `spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster`. */
function isFamilyError(error: KubeError): boolean {
  return error.kind === "invalid" && /spec\.ipFamil/.test(error.message);
}
