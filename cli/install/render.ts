import type { KubeObject } from "../../api/kube/object.ts";
import { err, type Result } from "../../api/result.ts";
import { hubObjects } from "../../install/hub-objects.ts";
import { hubSettings } from "../../install/hub-settings.ts";
import { memberObjects } from "../../install/member-objects.ts";
import { memberSettings } from "../../install/member-settings.ts";
import { readSettings } from "../../runtime/config/settings.ts";
import type { Part } from "./install-record.ts";
import { shippedPolicy } from "./shipped-policy.ts";
import { shippedWatch } from "./shipped-watch.ts";

/**
 * What settings mean, be they typed now or recorded by an install of another version: those that this version does not know have
 * no effect, so that the way back to an older one is open.
 */
export function render(
  part: Part,
  settings: Readonly<Record<string, unknown>>,
): Result<readonly KubeObject[], string> {
  const policy = shippedPolicy(part);
  const watch = shippedWatch(part);
  if (part === "hub") {
    const read = readSettings(hubSettings, { flags: settings, file: undefined });
    return read.ok ? hubObjects(read.value, policy, watch) : err(read.error);
  }
  const read = readSettings(memberSettings, { flags: settings, file: undefined });
  return read.ok ? memberObjects(read.value, policy, watch) : err(read.error);
}
