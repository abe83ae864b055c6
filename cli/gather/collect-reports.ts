import { type CollectDeps, collectFacts } from "../explain/collect/collect-facts.ts";
import type { Entry } from "../explain/collect/entry.ts";
import { explain } from "../explain/explain.ts";
import { explainText } from "../explain/explain-text.ts";
import { parseServiceTarget } from "../explain/service-target.ts";
import { type MemberReport, memberReport } from "../status/member-report.ts";
import { readMember } from "../status/read-member.ts";
import { statusText } from "../status/status-text.ts";
import type { Collected } from "./collect-objects.ts";
import { redactText } from "./redact.ts";

const ZONE = "clusterset.local";
const EXPLAINED_MAX = 20;

/** What `isthmus status` says, and `isthmus explain` of each service with which something is wrong. BOUNDED: by EXPLAINED_MAX. */
export async function collectReports(
  { systemNamespace, entry }: { readonly systemNamespace: string; readonly entry: Entry },
  deps: CollectDeps,
): Promise<readonly Collected[]> {
  const nowMs = deps.clock.nowMs();
  const read = await readMember(deps.reader, { systemNamespace, namespace: undefined, nowMs });
  if (!read.ok) return [{ name: "status.missing.txt", text: `${read.error.message}\n` }];
  const report = memberReport({ ...read.value, nowMs });
  const files: Collected[] = [{ name: "status.txt", text: `${redactText(statusText(report))}\n` }];
  const services = failingServices(report);
  if (services.length > EXPLAINED_MAX) {
    const rest = services.slice(EXPLAINED_MAX).join("\n");
    const head = `something is wrong with more than ${EXPLAINED_MAX} services; these were not explained:`;
    files.push({ name: "explain/services.cut.txt", text: `${head}\n${rest}\n` });
  }
  for (const [index, service] of services.slice(0, EXPLAINED_MAX).entries()) {
    const target = parseServiceTarget(service, "default");
    if (!target.ok) continue;
    const facts = await collectFacts(
      { target: target.value, entry, systemNamespace, zone: ZONE },
      deps,
    );
    const text = explainText(explain(facts));
    files.push({ name: `explain/${index + 1}.txt`, text: `${redactText(text)}\n` });
  }
  return files;
}

/** Those of which an export is not as it should be, or an import not ready. */
function failingServices({ exports, imports }: MemberReport): readonly string[] {
  const failing = [
    ...exports.flatMap(({ service, problem }) => (problem === undefined ? [] : [service])),
    ...imports.flatMap(({ service, ready }) => (ready ? [] : [service])),
  ];
  return [...new Set(failing)];
}
