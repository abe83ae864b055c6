import { invariant } from "../../api/invariant.ts";
import { parseLabelSelector } from "../../api/kube/selector/label-selector.ts";
import type { AutoExportRules } from "../../controllers/policy/member-policy.ts";
import type { AutoExportSettings } from "../../install/auto-export-settings.ts";

/** Undefined: nothing is exported by its labels. */
export function autoExportRules(settings: AutoExportSettings): AutoExportRules | undefined {
  if (!settings.autoExport) return undefined;
  const { autoExportNamespaces: namespaces } = settings;
  return {
    services: selectorOf(settings.autoExportSelector),
    ...(namespaces === undefined ? {} : { namespaces: selectorOf(namespaces) }),
    perNamespace: settings.autoExportPerNamespace,
    perCluster: settings.autoExportPerCluster,
  };
}

function selectorOf(text: string): AutoExportRules["services"] {
  const parsed = parseLabelSelector(text);
  invariant(parsed.ok, "settings hold selectors that were read before", { text });
  return parsed.value;
}
