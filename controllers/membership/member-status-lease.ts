import { LEASES, type Lease } from "../../api/kube/lease.ts";
import { microTime } from "../../api/kube/micro-time.ts";
import { apiVersionOf } from "../../api/kube/object.ts";
import { LABEL_MANAGED_BY, MANAGED_BY } from "../../api/mcs/labels.ts";
import {
  ANNOTATION_MEMBER_STATUS,
  MEMBER_STATUS_LEASE,
  type MemberStatus,
  memberStatusText,
} from "../../api/mcs/member-status.ts";
import { ok, type Result } from "../../api/result.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import { deadline } from "../../runtime/clock/deadline.ts";
import { sleep } from "../../runtime/clock/sleep.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import type { KubeError } from "../../runtime/kube/kube-error.ts";
import type { Logger } from "../../runtime/log/log.ts";
import { OwnObjects } from "../reconcile/own-objects.ts";

export interface MemberStatusLeaseOptions {
  /** Where the Lease lives; without it everything else goes on. */
  readonly namespace: string;
  readonly cluster: string;
}

export interface MemberStatusLeaseDeps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Looked at this often, written when it differs. */
const LOOK_MS = 1_000;
/** Written this often in any case, so that who reads can tell that somebody is there. */
const RENEW_MS = 10_000;
/** Two renewals may fail before it expires. */
const DURATION_SECONDS = 30;
/** A process that ends waits no longer for its last word. */
const LAST_WORD_MS = 2_000;

/**
 * Says in the cluster itself that the controllers run, and what stands in their way, so that `isthmus explain` and `isthmus
 * status` need nothing but the API server. It decides nothing, and nobody waits for it.
 */
export class MemberStatusLease {
  readonly #options: MemberStatusLeaseOptions;
  readonly #deps: MemberStatusLeaseDeps;
  readonly #objects: OwnObjects;
  #isFailing = false;

  constructor(options: MemberStatusLeaseOptions, deps: MemberStatusLeaseDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#objects = new OwnObjects(deps.client);
  }

  /**
   * Until the signal aborts; then says that they have stopped, unless `isLeaving`: what the cluster leaves behind is nothing.
   */
  async run(
    read: () => MemberStatus,
    signal: AbortSignal,
    isLeaving: () => boolean = () => false,
  ): Promise<void> {
    const { clock } = this.#deps;
    let written = "";
    let dueMs = clock.monotonicMs();
    while (!signal.aborted) {
      const status = read();
      const text = memberStatusText(status);
      if (text !== written || clock.monotonicMs() >= dueMs) {
        written = (await this.#tell(status, signal)) ? text : "";
        dueMs = clock.monotonicMs() + RENEW_MS;
      }
      await sleep(clock, this.#isFailing ? RENEW_MS : LOOK_MS, signal);
    }
    if (!isLeaving()) await this.lastWord(read());
  }

  /**
   * That they have stopped, and why if it was not asked of them. Tried for two seconds, and only where a Lease stands: a cluster
   * that has left keeps nothing of ours, whoever is started in it.
   */
  async lastWord(status: MemberStatus): Promise<void> {
    using limit = deadline(this.#deps.clock, LAST_WORD_MS);
    await this.#tell({ ...status, state: "stopped" }, limit.signal, "patch");
  }

  /** @returns whether it stands. */
  async #tell(
    status: MemberStatus,
    signal: AbortSignal,
    how: "make" | "patch" = "make",
  ): Promise<boolean> {
    const written = await this.#write(memberStatusText(status), signal, how);
    if (!written.ok && written.error.kind === "aborted") return false;
    if (!written.ok && !this.#isFailing) {
      this.#deps.log.warn("member status not written", { err: written.error });
    }
    this.#isFailing = !written.ok;
    return written.ok;
  }

  async #write(
    text: string,
    signal: AbortSignal,
    how: "make" | "patch",
  ): Promise<Result<unknown, KubeError>> {
    const { namespace, cluster } = this.#options;
    const { client, clock } = this.#deps;
    const stamp = microTime(clock.nowMs());
    const annotations = { [ANNOTATION_MEMBER_STATUS]: text };
    const spec = {
      holderIdentity: cluster,
      leaseDurationSeconds: DURATION_SECONDS,
      renewTime: stamp,
    };
    const ref = { resource: LEASES, namespace, name: MEMBER_STATUS_LEASE };
    const found = await client.get<Lease>(ref, { signal });
    if (!found.ok && found.error.kind !== "not-found") return found;
    if (!found.ok && how === "patch") return ok(undefined);
    const make = (): Lease => ({
      apiVersion: apiVersionOf(LEASES),
      kind: LEASES.kind,
      metadata: {
        namespace,
        name: MEMBER_STATUS_LEASE,
        labels: { [LABEL_MANAGED_BY]: MANAGED_BY },
        annotations,
      },
      spec: { ...spec, acquireTime: stamp },
    });
    const observed = found.ok ? found.value : undefined;
    const lease = await this.#objects.ensure(LEASES, observed, { make, signal });
    if (!lease.ok || lease.value === "foreign") return lease;
    if (observed === undefined && lease.value.spec?.renewTime === stamp) return ok(lease.value);
    return this.#objects.patch(LEASES, lease.value, {
      patch: { metadata: { annotations }, spec },
      signal,
    });
  }
}
