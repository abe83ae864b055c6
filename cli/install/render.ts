import type { z } from "zod";
import type { KubeObject } from "../../api/kube/object.ts";
import { err, type Result } from "../../api/result.ts";
import { hubObjects } from "../../install/hub-objects.ts";
import { hubSettings } from "../../install/hub-settings.ts";
import { memberObjects } from "../../install/member-objects.ts";
import { memberSettings } from "../../install/member-settings.ts";
import { readSettings } from "../../runtime/config/settings.ts";
import type { InstallRecord, Part } from "./install-record.ts";
import { shippedPolicy } from "./shipped-policy.ts";
import { shippedWatch } from "./shipped-watch.ts";

/** Names of settings that somebody chose, which are those that are not as by default; of those unknown here, as recorded before. */
export function chosenSettings(
  part: Part,
  settings: Readonly<Record<string, unknown>>,
  before: Pick<InstallRecord, "chosen"> | undefined,
): readonly string[] {
  const shape: Readonly<Record<string, z.ZodType>> = shapeOf(part);
  return Object.entries(settings).flatMap(([name, value]) => {
    const byDefault = shape[name]?.safeParse(undefined).data;
    const isChosen =
      name in shape
        ? JSON.stringify(value) !== JSON.stringify(byDefault)
        : (before?.chosen?.includes(name) ?? true);
    return isChosen ? [name] : [];
  });
}

/** What was chosen and has no effect in this version, which does not know it. */
export function unknownSettings(
  part: Part,
  { settings, chosen }: Pick<InstallRecord, "settings" | "chosen">,
): readonly string[] {
  const unknown = Object.keys(settings).filter((name) => !(name in shapeOf(part)));
  return unknown.filter((name) => chosen?.includes(name) ?? true);
}

function shapeOf(part: Part): Readonly<Record<string, z.ZodType>> {
  return part === "hub" ? hubSettings.shape : memberSettings.shape;
}

/**
 * What settings mean, be they typed now or recorded by an install of another version: those that this version does not know have
 * no effect (`unknownSettings` names them), so that the way back to an older one is open.
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
