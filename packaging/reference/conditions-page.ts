import {
  CONFLICT_REASONS,
  type IMPORT_DENIED,
  type IMPORT_READY_REASONS,
  type NO_CONFLICTS,
  type READY_REASONS,
  type VALID_REASONS,
} from "../../api/mcs/conditions.ts";
import { cell, code, type Page, table } from "./page.ts";

/** `True`, `False`, `Unknown`, and what it means or what to do. A reason that is missing here does not compile. */
type Meanings<Reason extends string> = Readonly<
  Record<Reason, readonly [status: string, meaning: string]>
>;

const VALID: Meanings<(typeof VALID_REASONS)[number]> = {
  Valid: ["True", "The Service exists and can be exported."],
  NoService: [
    "False",
    "There is no Service of this name in the namespace; exported once there is.",
  ],
  InvalidServiceType: [
    "False",
    "ExternalName Services, and derived Services of imports, cannot be exported.",
  ],
  NamespaceDenied: [
    "False",
    "This cluster's policy keeps the namespace's exports here (`--export-allow`, `--export-deny`, `--export-selector`); the message names the rule.",
  ],
  InvalidExportTo: [
    "False",
    "The annotation `isthmus.dev/export-to` cannot be understood; it is exported to nobody until mended.",
  ],
};

const READY: Meanings<(typeof READY_REASONS)[number]> = {
  Exported: ["True", "The broker has stored it; the message says whom it is offered to."],
  Ready: ["True", "As older members say `Exported`."],
  Pending: [
    "False or Unknown",
    "Not valid, or the broker has not stored it yet: Unknown while it was never heard.",
  ],
  Failed: ["False", "The broker refuses it, or this cluster; the message has rule and value."],
};

const CONFLICT: Meanings<
  (typeof CONFLICT_REASONS)[number] | typeof NO_CONFLICTS | typeof IMPORT_DENIED
> = {
  NoConflicts: ["False", "All exports of the service agree."],
  ImportDenied: ["Unknown", "Cannot be told: this cluster does not import into the namespace."],
  PortConflict: ["True", "Ports differ: those of the oldest export, and what others add to them."],
  TypeConflict: ["True", "Headless here, with an address there: the oldest export's type."],
  SessionAffinityConflict: ["True", "The oldest export's session affinity."],
  SessionAffinityConfigConflict: ["True", "The oldest export's affinity timeout."],
  AnnotationsConflict: ["True", "The oldest export's `exportedAnnotations`."],
  LabelsConflict: ["True", "The oldest export's `exportedLabels`."],
  InternalTrafficPolicyConflict: ["True", "The oldest export's `internalTrafficPolicy`."],
  TrafficDistributionConflict: ["True", "The oldest export's `trafficDistribution`."],
  IPFamilyConflict: ["True", "An export shares no address family with the oldest one's."],
};

const IMPORT_READY: Meanings<(typeof IMPORT_READY_REASONS)[number]> = {
  Ready: ["True", "The service is reachable from this cluster."],
  Pending: [
    "False",
    "No clusterset IP yet, or endpoints are missing: a Service or EndpointSlice of somebody else has the name, or the API server refuses ours; the message says which.",
  ],
  IPFamilyNotSupported: ["False", "This cluster routes none of the service's address families."],
};

/** Every condition with every reason of it. */
export function conditionsPage(): Page {
  const section = (title: string, text: string, meanings: Meanings<string>): string => {
    const rows = Object.entries(meanings).map(([reason, [status, meaning]]) => [
      code(reason),
      status,
      cell(meaning),
    ]);
    return `## ${title}\n\n${text}\n\n${table(["reason", "status", "meaning"], rows)}`;
  };
  return {
    file: "conditions.md",
    title: "Conditions",
    body: [
      "A reason stays until something changes; messages are for people and say what was seen.",
      section("ServiceExport: Valid", "May this Service be exported?", VALID),
      section("ServiceExport: Ready", "Has the hub got it?", READY),
      section(
        "ServiceExport: Conflict",
        `What is used where exports of one service differ. Several reasons are joined with commas, in this order: ${CONFLICT_REASONS.map(code).join(", ")}.`,
        CONFLICT,
      ),
      section("ServiceImport: Ready", "Is the service reachable from this cluster?", IMPORT_READY),
    ].join("\n\n"),
  };
}
