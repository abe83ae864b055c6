/** Condition types and reasons of the MCS API (section 1.4 and 2.3 of the requirements, EXP-19). */

export type ExportConditionType = "Valid" | "Ready" | "Conflict";

/** The last two are ours (EXP-19 allows more): kept out by policy (EXP-28), and clusters chosen that are none. */
export const VALID_REASONS = [
  "Valid",
  "NoService",
  "InvalidServiceType",
  "NamespaceDenied",
  "InvalidExportTo",
] as const;
export const READY_REASONS = ["Exported", "Ready", "Pending", "Failed"] as const;

/** Fixed order: several reasons are joined in it, so that the value is stable (EXP-20). */
export const CONFLICT_REASONS = [
  "PortConflict",
  "TypeConflict",
  "SessionAffinityConflict",
  "SessionAffinityConfigConflict",
  "AnnotationsConflict",
  "LabelsConflict",
  "InternalTrafficPolicyConflict",
  "TrafficDistributionConflict",
  "IPFamilyConflict",
] as const;
export type ConflictReason = (typeof CONFLICT_REASONS)[number];

export const NO_CONFLICTS = "NoConflicts";
/** Ours: whether exports conflict cannot be told, since this cluster does not import into the namespace. */
export const IMPORT_DENIED = "ImportDenied";

export const IMPORT_READY_REASONS = ["Ready", "Pending", "IPFamilyNotSupported"] as const;

/** Longest reason and message the CRD accepts, in characters (EXP-20, EXP-21). */
export const REASON_CHARS_MAX = 1024;
export const MESSAGE_CHARS_MAX = 32_768;
