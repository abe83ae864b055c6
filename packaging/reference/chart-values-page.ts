import { z } from "zod";
import { CHARTS } from "../../install/chart-values.ts";
import { flagShape } from "../../runtime/config/settings.ts";
import { cell, code, type Page, table } from "./page.ts";

/** The values of each chart, from the settings that `isthmus install` reads too. */
export function chartValuesPage(): Page {
  const sections = Object.entries(CHARTS).map(([chart, settings]) => {
    const rows = Object.entries(settings.shape).map(([key, type]: [string, z.ZodType]) => [
      code(key),
      cell(typeOf(type)),
      defaultOf(type),
      cell(type.description ?? ""),
    ]);
    return `## charts/${chart}\n\n${table(["value", "type", "default", "meaning"], rows)}`;
  });
  const introduction =
    "`isthmus install hub` and `isthmus install member` take the same as flags: `clusterId` is `--cluster-id`. A chart refuses values it does not know.";
  return {
    file: "chart-values.md",
    title: "Values of the charts",
    body: [introduction, ...sections].join("\n\n"),
  };
}

interface JsonType {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: { readonly type?: string };
}

function typeOf(type: z.ZodType): string {
  const json = z.toJSONSchema(type, { target: "draft-7", io: "output" }) as JsonType;
  if (json.enum !== undefined) return json.enum.map(String).join(", ");
  if (json.type === "array") return `list of ${json.items?.type ?? "object"}`;
  const range =
    json.minimum === undefined || json.maximum === undefined
      ? ""
      : `, ${json.minimum} to ${json.maximum}`;
  return `${json.type ?? "any"}${range}`;
}

function defaultOf(type: z.ZodType): string {
  const shape = flagShape(type);
  if (!("default" in shape)) return "required";
  return shape.default === undefined ? "" : code(JSON.stringify(shape.default));
}
