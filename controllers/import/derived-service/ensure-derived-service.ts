import { SERVICES, type Service } from "../../../api/kube/service.ts";
import { ok, type Result } from "../../../api/result.ts";
import type { KubeError } from "../../../runtime/kube/kube-error.ts";
import { isOwn } from "../../reconcile/is-own.ts";
import type { OwnObjects } from "../../reconcile/own-objects.ts";
import { mustRecreate } from "./derive-derived-service.ts";
import { diffDerivedService } from "./diff-derived-service.ts";

/** What became of the Service that carries the clusterset IP. */
export type DerivedOutcome =
  /** None is wanted: this cluster can route none of the families. */
  | { readonly kind: "none" }
  | { readonly kind: "there"; readonly service: Service }
  /** Somebody else's Service has the name (I3). */
  | {
      readonly kind: "occupied";
      readonly name: string;
      /** The Service, when another controller made it for this very import, which we have taken over since. */
      readonly predecessor: Service | undefined;
    }
  | {
      readonly kind: "failed";
      readonly error: KubeError;
      /** As it stands, when it could only not be brought up to date. */
      readonly service: Service | undefined;
      /** False when somebody else has the address of before: then nobody may be sent there. */
      readonly isAddressFree: boolean;
    };

/**
 * Makes the derived Service be as desired.
 * @param job.ips the import's addresses: a Service that somebody deleted comes back with them (I5), if they are still to be had.
 */
export async function ensureDerivedService(
  objects: OwnObjects,
  job: {
    readonly observed: Service | undefined;
    readonly desired: Service | undefined;
    readonly ips: readonly string[];
    readonly signal: AbortSignal;
  },
): Promise<DerivedOutcome> {
  const { desired, signal } = job;
  let { observed } = job;
  if (observed !== undefined && isOwn(observed)) {
    if (desired === undefined || mustRecreate(observed, desired)) {
      const removed = await objects.remove(SERVICES, observed, signal);
      if (!removed.ok) return failed(removed.error, observed);
      observed = undefined;
    }
  }
  if (desired === undefined) return { kind: "none" };
  const made = await ensureWithAddress(objects, { ...job, observed, desired });
  if (!made.result.ok) return { ...failed(made.result.error), isAddressFree: made.isAddressFree };
  const service = made.result.value;
  if (service === "foreign") {
    const predecessor = isMadeFor(observed, desired) ? observed : undefined;
    return { kind: "occupied", name: desired.metadata.name, predecessor };
  }
  const patched = await objects.patch(SERVICES, service, {
    patch: diffDerivedService(service, desired),
    signal,
  });
  return patched.ok ? { kind: "there", service: patched.value } : failed(patched.error, service);
}

async function ensureWithAddress(
  objects: OwnObjects,
  job: {
    readonly observed: Service | undefined;
    readonly desired: Service;
    readonly ips: readonly string[];
    readonly signal: AbortSignal;
  },
): Promise<{
  readonly result: Result<Service | "foreign", KubeError>;
  readonly isAddressFree: boolean;
}> {
  const { observed, desired, ips, signal } = job;
  const plain = { make: () => desired, signal };
  if (observed !== undefined) {
    return { result: ok(isOwn(observed) ? observed : "foreign"), isAddressFree: true };
  }
  if (ips.length === 0 || desired.spec.clusterIP === "None") {
    return { result: await objects.ensure(SERVICES, observed, plain), isAddressFree: true };
  }
  const spec = { ...desired.spec, clusterIP: ips[0] ?? "", clusterIPs: ips };
  const again = await objects.ensure(SERVICES, observed, {
    make: (): Service => ({ ...desired, spec }),
    signal,
  });
  // Only the server knows whether the address is free: it says "invalid" when it is not.
  if (again.ok || again.error.kind !== "invalid") return { result: again, isAddressFree: true };
  return { result: await objects.ensure(SERVICES, observed, plain), isAddressFree: false };
}

/** Both have the same owner, the import. */
function isMadeFor(observed: Service | undefined, desired: Service): boolean {
  const owners = (desired.metadata.ownerReferences ?? []).map(({ uid }) => uid);
  return observed?.metadata.ownerReferences?.some(({ uid }) => owners.includes(uid)) === true;
}

function failed(error: KubeError, service?: Service): DerivedOutcome & { readonly kind: "failed" } {
  return { kind: "failed", error, service, isAddressFree: true };
}
