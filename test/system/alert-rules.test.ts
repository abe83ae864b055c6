import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { runCommand } from "./kubectl-command.ts";

// Prometheus' own judge of rules, from Debian's package prometheus, as .ci/run installs it.

const FOLDER = new URL("../../api/observability/", import.meta.url);

describe.each(["hub", "member"])("alerts of a %s", (part) => {
  const file = (name: string): string => new URL(name, FOLDER).pathname;

  test("are rules that Prometheus takes", async () => {
    const { code, out } = await runCommand(
      "promtool",
      ["check", "rules", file(`alerts-${part}.yaml`)],
      {},
    );
    expect({ code, out }).toMatchObject({ code: 0, out: expect.stringContaining("SUCCESS") });
  });

  test("fire for what they are about and are quiet when that is well", async () => {
    const { code, out } = await runCommand(
      "promtool",
      ["test", "rules", file(`alerts-${part}.test.yaml`)],
      {},
    );
    expect({ code, out }).toMatchObject({ code: 0, out: expect.stringContaining("SUCCESS") });
  });

  test("each has a test of both kinds", () => {
    const rules = parse(readFileSync(file(`alerts-${part}.yaml`), "utf8")) as {
      readonly groups: readonly { readonly rules: readonly { readonly alert: string }[] }[];
    };
    const { tests } = parse(readFileSync(file(`alerts-${part}.test.yaml`), "utf8")) as {
      readonly tests: readonly {
        readonly alert_rule_test: readonly {
          readonly alertname: string;
          readonly exp_alerts: readonly unknown[];
        }[];
      }[];
    };
    const cases = tests.flatMap(({ alert_rule_test: one }) => one);
    for (const { alert } of rules.groups.flatMap((group) => group.rules)) {
      const own = cases.filter(({ alertname }) => alertname === alert);
      expect({ alert, fires: own.filter(({ exp_alerts: is }) => is.length > 0).length }).toEqual({
        alert,
        fires: 1,
      });
      expect({ alert, quiet: own.filter(({ exp_alerts: is }) => is.length === 0).length }).toEqual({
        alert,
        quiet: 1,
      });
    }
  });
});
