import type { KubeObject } from "../../api/kube/object.ts";
import { ownAddresses, type PodPlace } from "../../api/kube/pod.ts";
import { unmapped } from "../../api/network/address-bytes.ts";
import { formatIpAddress, parseIpAddress } from "../../api/network/ip-address.ts";
import { parseSliceObjects } from "../../api/slices/parse-slice-objects.ts";
import { holdsNamespace, holdsPod, SliceSet } from "../../api/slices/slice-set.ts";
import type { ObjectView } from "../../runtime/kube/object-view.ts";
import type { Logger } from "../../runtime/log/log.ts";

export interface SliceClientsDeps {
  /** Slice: those that this cluster is in. */
  readonly scopes: ObjectView<KubeObject>;
  /** Of the whole cluster. */
  readonly pods: ObjectView<PodPlace>;
  readonly log: Logger;
}

/** Which clients are outside of the slices of this cluster, by the address that a question comes from. */
export class SliceClients {
  readonly #deps: SliceClientsDeps;
  readonly #unsubscribe: readonly (() => void)[];
  #slices = SliceSet.none;
  /** Address to the key of its pod. BOUNDED: by the addresses of the view's pods. */
  readonly #pods = new Map<string, string>();

  constructor(deps: SliceClientsDeps) {
    this.#deps = deps;
    const { scopes, pods } = deps;
    for (const [key, pod] of [...pods.keys()].map((name) => [name, pods.get(name)] as const)) {
      this.#podChanged(key, undefined, pod);
    }
    this.#slicesChanged();
    this.#unsubscribe = [
      scopes.subscribe(() => this.#slicesChanged()),
      pods.subscribe((event) => {
        if (event.kind === "changed") this.#podChanged(event.key, event.before, event.after);
      }),
    ];
  }

  stop(): void {
    for (const stop of this.#unsubscribe) stop();
  }

  /** Whether names of the namespace are not for this client. Of an address that is no pod's nothing is known: it is outside. */
  readonly hides = (address: string, namespace: string): boolean => {
    const slice = this.#slices.slices.find((candidate) => holdsNamespace(candidate, namespace));
    if (slice === undefined) return false;
    const pod = this.#deps.pods.get(this.#pods.get(canonical(address)) ?? "");
    if (pod === undefined) return true;
    const { namespace: from = "", labels = {} } = pod.metadata;
    return !holdsPod(slice, from, labels);
  };

  #slicesChanged(): void {
    const slices = parseSliceObjects(this.#deps.scopes.values());
    if (slices.ok) this.#slices = slices.value;
    else this.#deps.log.error("slices not applied", { err: slices.error });
  }

  #podChanged(key: string, before: PodPlace | undefined, after: PodPlace | undefined): void {
    for (const address of before === undefined ? [] : ownAddresses(before)) {
      // Another pod may have it by now.
      if (this.#pods.get(canonical(address)) === key) this.#pods.delete(canonical(address));
    }
    for (const address of after === undefined ? [] : ownAddresses(after)) {
      this.#pods.set(canonical(address), key);
    }
  }
}

/** A socket for both families says `::ffff:10.1.0.5`. */
function canonical(text: string): string {
  const plain = unmapped(text);
  const parsed = parseIpAddress(plain);
  return parsed.ok ? formatIpAddress(parsed.value) : plain;
}
