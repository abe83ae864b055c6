import { z } from "zod";
import { parseLabelSelector } from "../api/kube/selector/label-selector.ts";
import { LABEL_AUTO_EXPORT } from "../api/mcs/labels.ts";

const selector = z.string().superRefine((text, context) => {
  const parsed = parseLabelSelector(text);
  if (parsed.ok) return;
  context.addIssue({ code: "custom", message: `must be a label selector: ${parsed.error}` });
});

function quota(most: number, what: string) {
  return z.coerce.number().int().min(0).max(100_000).default(most).describe(what);
}

/** Which Services are exported by their labels: flags of the controllers, of an install, and values of a chart. */
export const autoExportSettings = {
  autoExport: z
    .boolean()
    .default(false)
    .describe("export Services by their labels, without anybody's ServiceExport"),
  autoExportSelector: selector
    .default(`${LABEL_AUTO_EXPORT}=true`)
    .describe('label selector of the Services that are; "" for all; with --auto-export'),
  autoExportNamespaces: selector
    .optional()
    .describe("label selector of the namespaces they are in; none: any but those of the system"),
  autoExportPerNamespace: quota(20, "Services of one namespace that are, at most"),
  autoExportPerCluster: quota(
    200,
    "Services of the cluster that are, at most; 0 withdraws all, before it is turned off",
  ),
} as const;

export type AutoExportSettings = z.output<z.ZodObject<typeof autoExportSettings>>;
