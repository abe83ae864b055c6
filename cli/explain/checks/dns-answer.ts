import { readyEndpoints } from "../../../api/kube/endpoint-slice.ts";
import type { DnsFact } from "../../ask-dns/dns-fact.ts";
import type { Facts } from "../facts.ts";
import { type Check, notNeeded, notTested, type Outcome, right, wrong } from "../finding.ts";

/** Does the live server answer with what the import says? (DNS-15, DNS-22) */
export const checkDnsAnswer: Check = (facts) => {
  const { answers, serviceImport, systemNamespace } = facts;
  if (!answers.ok) return notTested(answers.error);
  const silent = answers.value.find((answer) => answer.kind === "silent");
  if (silent !== undefined) {
    return wrong(
      `the live DNS server ${silent.server} does not answer: ${silent.why}`,
      `look whether "isthmus dns" runs (kubectl -n ${systemNamespace} rollout status deployment/isthmus-dns), and what its /readyz says`,
    );
  }
  if (!serviceImport.ok) return notTested(serviceImport.error);
  if (serviceImport.value === undefined)
    return notNeeded("nothing is imported, so no name is there");
  const answered = answers.value.filter((answer) => answer.kind === "answered");
  return (
    answered.map((answer) => judge(answer, facts)).find(({ verdict }) => verdict !== "ok") ??
    (answered.length === 0
      ? notTested("the import has no family to ask for")
      : right(answered.map((one) => `${one.type} ${one.addresses.join(", ")}`).join("; ")))
  );
};

function judge(answer: DnsFact & { readonly kind: "answered" }, facts: Facts): Outcome {
  const { type, rcode, addresses, server, extended } = answer;
  const why = extended === undefined ? "" : ` (${extended})`;
  if (rcode !== "NOERROR" || addresses.length === 0) {
    const what = rcode === "NOERROR" ? "no address" : rcode;
    return wrong(
      `the live DNS server ${server} answers ${type} with ${what}${why}`,
      "look at the log and /readyz of isthmus dns: it may not have read the cluster yet, or may not be allowed to",
    );
  }
  const { known, isExact } = knownAddresses(facts, type);
  const strange = addresses.filter((address) => !known.includes(address));
  const isComplete = !isExact || known.every((address) => addresses.includes(address));
  if (strange.length === 0 && isComplete) return right("");
  return wrong(
    `the live DNS server ${server} answers ${type} with ${addresses.join(", ")}, the import says ${known.join(", ") || "nothing"}`,
    "ask again in a second; if it stays so, that server does not follow this cluster's API server",
  );
}

/** A headless service may be answered with a part of its endpoints (`--headless-max`, dead paths). */
function knownAddresses(
  { serviceImport, importSlices }: Facts,
  type: "A" | "AAAA",
): { readonly known: readonly string[]; readonly isExact: boolean } {
  const isOfType = (address: string): boolean => address.includes(":") === (type === "AAAA");
  const value = serviceImport.ok ? serviceImport.value : undefined;
  if (value?.spec.type !== "Headless") {
    return { known: (value?.spec.ips ?? []).filter(isOfType), isExact: true };
  }
  const slices = importSlices.ok ? importSlices.value : [];
  const all = slices.flatMap(readyEndpoints).flatMap(({ addresses }) => addresses);
  return { known: all.filter(isOfType), isExact: false };
}
