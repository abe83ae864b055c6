import { z } from "zod";
import { parseLabelSelector } from "../../api/kube/selector/label-selector.ts";
import {
  type NamespacePattern,
  parseNamespacePattern,
  SYSTEM_NAMESPACES,
} from "../../api/policy/namespace-rules.ts";
import type { MemberPolicy, NamespaceScope } from "../../controllers/policy/member-policy.ts";
import { type AutoExportSettings, autoExportSettings } from "../../install/auto-export-settings.ts";
import { autoExportRules } from "../auto-export/auto-export-rules.ts";

const pattern = z.string().transform((text, context): NamespacePattern => {
  const parsed = parseNamespacePattern(text);
  if (parsed.ok) return parsed.value;
  context.addIssue({ code: "custom", message: parsed.error });
  return z.NEVER;
});

const selector = z.string().transform((text, context): NamespaceScope["selector"] => {
  const parsed = parseLabelSelector(text);
  if (parsed.ok) return { text, labels: parsed.value };
  context.addIssue({ code: "custom", message: `must be a label selector: ${parsed.error}` });
  return z.NEVER;
});

function allowed(what: string): z.ZodType<readonly NamespacePattern[]> {
  return z
    .array(pattern)
    .default([])
    .describe(`namespaces ${what}: names, or beginnings of names and "*"; none given: all`);
}

function denied(what: string): z.ZodType<readonly NamespacePattern[]> {
  return z
    .array(z.string())
    .default([...SYSTEM_NAMESPACES])
    .pipe(z.array(pattern))
    .describe(`namespaces not ${what}, whatever is allowed; "" for none`);
}

function selected(what: string): z.ZodType<NamespaceScope["selector"]> {
  return selector
    .optional()
    .describe(`label selector of the namespaces ${what}, besides allowing and denying by name`);
}

/** What a member shares: by default all namespaces but those of the system (SEC-04). Followed in a `--config` file. */
export const policySettings = {
  exportAllow: allowed("whose exports leave this cluster"),
  exportDeny: denied("exported from"),
  exportSelector: selected("whose exports leave this cluster"),
  importAllow: allowed("that get imports"),
  importDeny: denied("imported into"),
  importSelector: selected("that get imports"),
  ...autoExportSettings,
} as const;

export interface PolicySettings extends AutoExportSettings {
  readonly exportAllow: readonly NamespacePattern[];
  readonly exportDeny: readonly NamespacePattern[];
  readonly exportSelector?: NamespaceScope["selector"];
  readonly importAllow: readonly NamespacePattern[];
  readonly importDeny: readonly NamespacePattern[];
  readonly importSelector?: NamespaceScope["selector"];
}

export function memberPolicy(settings: PolicySettings): MemberPolicy {
  const autoExport = autoExportRules(settings);
  return {
    exports: scope(settings.exportAllow, settings.exportDeny, settings.exportSelector),
    imports: scope(settings.importAllow, settings.importDeny, settings.importSelector),
    ...(autoExport === undefined ? {} : { autoExport }),
  };
}

function scope(
  allow: readonly NamespacePattern[],
  deny: readonly NamespacePattern[],
  labels: NamespaceScope["selector"],
): NamespaceScope {
  return { rules: { allow, deny }, ...(labels === undefined ? {} : { selector: labels }) };
}
