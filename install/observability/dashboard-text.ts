import { DASHBOARDS, type Panel } from "./dashboards.ts";

const PANEL = { width: 6, height: 8 } as const;

/** As Grafana imports it. Its data source is chosen there. */
export function dashboardText(part: keyof typeof DASHBOARDS): string {
  const { title, rows } = DASHBOARDS[part];
  let y = 0;
  let id = 0;
  const panels = rows.flatMap((row) => {
    id += 1;
    const head = { id, type: "row", title: row.title, gridPos: { x: 0, y, w: 24, h: 1 } };
    const drawn = row.panels.map((panel, index) => {
      id += 1;
      const gridPos = { x: index * PANEL.width, y: y + 1, w: PANEL.width, h: PANEL.height };
      return drawPanel(panel, id, gridPos);
    });
    y += 1 + PANEL.height;
    return [head, ...drawn];
  });
  const datasource = { name: "datasource", label: "Data source", type: "datasource" };
  const dashboard = {
    uid: `isthmus-${part}`,
    title,
    tags: ["isthmus"],
    schemaVersion: 39,
    editable: true,
    refresh: "30s",
    time: { from: "now-1h", to: "now" },
    templating: { list: [{ ...datasource, query: "prometheus" }] },
    panels,
  };
  return `${JSON.stringify(dashboard, undefined, 2)}\n`;
}

function drawPanel({ title, unit, queries }: Panel, id: number, gridPos: object): object {
  // Grafana's own variable.
  const datasource = { type: "prometheus", uid: ["$", "{datasource}"].join("") };
  return {
    ...{ id, type: "timeseries", title, datasource, gridPos },
    fieldConfig: { defaults: { unit }, overrides: [] },
    targets: queries.map(({ expr, legend }, index) => ({
      ...{ datasource, expr, legendFormat: legend },
      refId: String.fromCharCode(65 + index),
    })),
  };
}
