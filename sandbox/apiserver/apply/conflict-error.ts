import type { StatusError } from "../object/status-error.ts";
import { members } from "./field-set.ts";
import type { ManagerEntry } from "./managed-fields.ts";
import type { Conflict } from "./ownership.ts";
import { formatPath } from "./path-element.ts";

interface Line {
  readonly owner: string;
  readonly path: string;
}

/** 409 for an apply that would change what others own, one cause a field. */
export function conflictError(conflicts: readonly Conflict[]): StatusError {
  const lines = conflicts.flatMap(({ owner, fields }) =>
    members(fields).map((path) => ({ owner: describe(owner), path: formatPath(path) })),
  );
  return {
    code: 409,
    reason: "Conflict",
    message: conflictMessage(lines),
    details: {
      causes: lines.map(({ owner, path }) => ({
        reason: "FieldManagerConflict",
        message: `conflict with ${owner}`,
        field: path,
      })),
    },
  };
}

function conflictMessage(lines: readonly Line[]): string {
  const [only] = lines;
  if (lines.length === 1 && only !== undefined) {
    return `Apply failed with 1 conflict: conflict with ${only.owner}: ${only.path}`;
  }
  const owners = [...new Set(lines.map((line) => line.owner))].toSorted();
  const texts = owners.map((owner) => {
    const paths = lines.filter((line) => line.owner === owner).map((line) => `- ${line.path}`);
    return `conflicts with ${owner}:\n${paths.join("\n")}`;
  });
  return `Apply failed with ${lines.length} conflicts: ${texts.join("\n")}`;
}

function describe(owner: ManagerEntry): string {
  const named = JSON.stringify(owner.manager);
  const where =
    owner.subresource === "" ? "" : ` with subresource ${JSON.stringify(owner.subresource)}`;
  return owner.operation === "Update"
    ? `${named}${where} using ${owner.apiVersion}`
    : named + where;
}
