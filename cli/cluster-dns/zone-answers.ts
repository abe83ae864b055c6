import type { Result } from "../../api/result.ts";
import { CLUSTERSET_ZONE } from "../../install/cluster-dns/corefile-stanza.ts";
import type { DnsFact } from "../ask-dns/dns-fact.ts";

/** A pod of the cluster's DNS, and what it said of the zone's apex. */
export interface AskedPod {
  readonly name: string;
  /** One that is not is asked by nobody, and reads its configuration anew before it is. */
  readonly isReady: boolean;
  /** Error: nothing is known of the pod, since nobody could ask it. Absent: it was not asked. */
  readonly answer?: Result<DnsFact, string>;
}

export type ZoneAnswers =
  | { readonly state: "answered" }
  /** Time may mend it: a configuration that is still to be read, a server that is still to start. */
  | { readonly state: "not yet"; readonly why: string }
  | { readonly state: "not tested"; readonly why: string };

/**
 * Does the cluster's DNS answer for the clusterset? The apex is there whatever is imported, and has no address: who has not heard
 * of the zone denies it, or says what the outer world does.
 */
export function judgeZone(pods: readonly AskedPod[]): ZoneAnswers {
  const ready = pods.filter(({ isReady }) => isReady);
  if (pods.length === 0) {
    return { state: "not tested", why: "the cluster's DNS has no pods that can be asked" };
  }
  if (ready.length === 0) {
    return { state: "not yet", why: `of ${pods.length} pods of the cluster's DNS none is ready` };
  }
  const late = ready.flatMap(lateness);
  if (late[0] !== undefined) return { state: "not yet", why: late[0] };
  const unasked = ready.flatMap(({ answer }) => (answer?.ok === false ? [answer.error] : []));
  if (unasked[0] !== undefined) return { state: "not tested", why: unasked[0] };
  return { state: "answered" };
}

/** Whether a pod's answer comes from a server of the zone. */
export function isOfZone(answer: DnsFact): boolean {
  return answer.kind === "answered" && answer.rcode === "NOERROR" && answer.addresses.length === 0;
}

function lateness({ name, answer }: AskedPod): readonly string[] {
  if (answer?.ok !== true || isOfZone(answer.value)) return [];
  if (answer.value.kind === "silent") return [`pod ${name} does not answer: ${answer.value.why}`];
  const { rcode, addresses } = answer.value;
  if (rcode === "SERVFAIL") {
    return [
      `pod ${name} gets no answer for ${CLUSTERSET_ZONE} (SERVFAIL): it has not read its changed configuration, or Isthmus's DNS server is not ready`,
    ];
  }
  const said = addresses.length === 0 ? rcode : addresses.join(", ");
  return [
    `pod ${name} has not read its changed configuration: it answers ${CLUSTERSET_ZONE} with ${said}`,
  ];
}
