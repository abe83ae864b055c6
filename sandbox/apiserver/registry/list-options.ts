import { err, type Result } from "../../../api/result.ts";
import { type FieldError, forbiddenField, notSupported } from "../object/field-error.ts";
import { badRequest, invalid, type StatusError } from "../object/status-error.ts";
import { parseRevision } from "../store/resource-version.ts";

/** The query of a list or watch; "" and 0 stand for "not given". */
export interface ListOptions {
  readonly labelSelector: string;
  readonly fieldSelector: string;
  readonly resourceVersion: string;
  readonly resourceVersionMatch: string;
  readonly limit: number;
  readonly continueToken: string;
}

export interface WatchOptions extends ListOptions {
  readonly allowBookmarks: boolean;
  readonly sendInitialEvents: boolean | undefined;
  /** 0 leaves the length to the server. */
  readonly timeoutSeconds: number;
}

/** Rules between options; gives the revision asked for. */
export function checkListOptions(options: ListOptions): Result<number | undefined, StatusError> {
  const errors = matchErrors(options);
  if (errors.length > 0) return err(invalid(LIST_OPTIONS, "", errors));
  if (
    options.continueToken !== "" &&
    options.resourceVersion !== "" &&
    options.resourceVersion !== "0"
  ) {
    return err(badRequest("specifying resource version is not allowed when using continue"));
  }
  const revision = parseRevision(options.resourceVersion);
  return revision.ok
    ? revision
    : err(
        badRequest(
          `invalid resource version ${JSON.stringify(options.resourceVersion)}: ${revision.error}`,
        ),
      );
}

/** Rules between a watch's options; gives the revision to start from. */
export function checkWatchOptions(options: WatchOptions): Result<number | undefined, StatusError> {
  const errors = initialEventsErrors(options);
  if (errors.length > 0) return err(invalid(LIST_OPTIONS, "", errors));
  const revision = parseRevision(options.resourceVersion);
  if (revision.ok) return revision;
  // The real server answers 500 without a reason here.
  const message = `resourceVersion: Invalid value: ${JSON.stringify(options.resourceVersion)}: ${revision.error}`;
  return err({ code: 500, reason: "", message });
}

const LIST_OPTIONS = { group: "meta.k8s.io", kind: "ListOptions" };
const MATCHES = ["Exact", "NotOlderThan"];

function matchErrors({
  resourceVersion,
  resourceVersionMatch: match,
  continueToken,
}: ListOptions): FieldError[] {
  const field = "resourceVersionMatch";
  if (match === "") return [];
  if (resourceVersion === "") {
    return [forbiddenField(field, `${field} is forbidden unless resourceVersion is provided`)];
  }
  if (continueToken !== "") {
    return [forbiddenField(field, `${field} is forbidden when continue is provided`)];
  }
  if (!MATCHES.includes(match)) return [notSupported(field, match, [...MATCHES, ""])];
  if (match === "Exact" && resourceVersion === "0") {
    return [forbiddenField(field, `${field} "exact" is forbidden for resourceVersion "0"`)];
  }
  return [];
}

function initialEventsErrors({
  sendInitialEvents,
  resourceVersionMatch: match,
}: WatchOptions): FieldError[] {
  if (sendInitialEvents === undefined) {
    if (match === "") return [];
    const why = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
    return [forbiddenField("resourceVersionMatch", why)];
  }
  if (match === "NotOlderThan") return [];
  if (match !== "") return [notSupported("resourceVersionMatch", match, ["NotOlderThan"])];
  const why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
  return [forbiddenField("resourceVersionMatch", why)];
}
