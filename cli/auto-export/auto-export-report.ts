import type { AutoExports } from "../../controllers/auto-export/decide-auto-exports.ts";
import { quotaText } from "../../controllers/auto-export/quota-text.ts";
import type { AutoExportRules } from "../../controllers/policy/member-policy.ts";
import { objectKey } from "../../runtime/kube/object-view.ts";
import { table } from "../output/table.ts";

/** What becomes of one Service; also in JSON. */
export interface AutoExportLine {
  readonly service: string;
  readonly state:
    | "exported"
    | "to be exported"
    | "over the quota"
    | "by a user"
    | "to be withdrawn";
  readonly reason?: string;
}

/** What `isthmus auto-export` says; also its JSON form. */
export interface AutoExportReport {
  /** Whether the controllers were installed to do it. */
  readonly isOn: boolean;
  readonly perNamespace: number;
  readonly perCluster: number;
  readonly services: readonly AutoExportLine[];
}

export function autoExportReport(
  { chosen, missing, leftOut, byUsers, obsolete }: AutoExports,
  rules: AutoExportRules,
  isOn: boolean,
): AutoExportReport {
  const isMissing = new Set(missing);
  const lines: readonly AutoExportLine[] = [
    ...chosen.map(
      (one): AutoExportLine => ({
        service: objectKey(one),
        state: isMissing.has(one) ? "to be exported" : "exported",
      }),
    ),
    ...leftOut.map(
      ({ service, quota }): AutoExportLine => ({
        service: objectKey(service),
        state: "over the quota",
        reason: quotaText(quota, rules),
      }),
    ),
    ...byUsers.map((one): AutoExportLine => ({ service: objectKey(one), state: "by a user" })),
    // One that is left out may have been exported before the quota was made smaller.
    ...obsolete
      .filter((one) => !leftOut.some(({ service }) => objectKey(service) === objectKey(one)))
      .map(
        (one): AutoExportLine => ({
          service: objectKey(one),
          state: "to be withdrawn",
          reason: "it matches no more",
        }),
      ),
  ];
  const { perNamespace, perCluster } = rules;
  return {
    isOn,
    perNamespace,
    perCluster,
    services: lines.toSorted((a, b) => (a.service < b.service ? -1 : 1)),
  };
}

export function autoExportText(report: AutoExportReport): string {
  const { isOn, perNamespace, perCluster, services } = report;
  const rows = services.map(({ service, state, reason }) => [service, state, reason ?? ""]);
  return [
    `Auto-export is ${isOn ? "on" : "off: this is what it would do"}; at most ${perNamespace} Services of a namespace, ${perCluster} of the cluster`,
    "",
    ...table(["SERVICE", "STATE", "WHY"], rows),
  ].join("\n");
}
