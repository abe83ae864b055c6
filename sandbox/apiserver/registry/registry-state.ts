import type { Random } from "../../../runtime/random/random.ts";
import type { StrategyContext } from "../kinds/kind.ts";
import type { ServiceNetwork } from "../kinds/service/service-network.ts";
import type { FieldValidation } from "../object/decode.ts";
import { randomNameSuffix } from "../object/generate-name.ts";
import type { ObjectStore } from "../store/object-store.ts";
import type { KindRegistry, ServedKind } from "./kind-registry.ts";
import { newUid } from "./uid.ts";

/** All that one API server knows; every operation reads and changes it synchronously. */
export interface RegistryState {
  readonly store: ObjectStore;
  readonly kinds: KindRegistry;
  readonly network: ServiceNetwork;
  readonly random: Random;
}

/** The resource an operation is about. */
export interface Target extends ServedKind {
  /** Absent for cluster-scoped resources and for lists over all namespaces. */
  readonly namespace?: string;
}

export interface NamedTarget extends Target {
  readonly name: string;
}

/** How a write is asked for. */
export interface WriteCall {
  /** Wall time of the request, epoch milliseconds. */
  readonly nowMs: number;
  readonly dryRun: boolean;
  /** Who owns the fields that the write sets. */
  readonly manager: string;
  readonly fieldValidation: FieldValidation;
  readonly subresource: "" | "status";
  /** Adds a Warning to the answer. */
  warn(message: string): void;
}

export function keyOf(namespace: string | undefined, name: string): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

export function strategyContext(
  { network, random }: RegistryState,
  call: Pick<WriteCall, "nowMs" | "dryRun" | "warn">,
): StrategyContext {
  return {
    nowMs: call.nowMs,
    dryRun: call.dryRun,
    network,
    newUid: () => newUid(random),
    randomSuffix: () => randomNameSuffix(random),
    warn: (message) => call.warn(message),
  };
}
