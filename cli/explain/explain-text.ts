import type { Explanation } from "./explain.ts";

/** For a person: a line per check, and at the end what to do first. */
export function explainText({
  service,
  cluster,
  findings,
  firstWrong,
  untested,
}: Explanation): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.map(({ verdict, check, says }) => {
    const mark = verdict === "wrong" ? "WRONG" : verdict;
    return `${mark.padEnd(10)}  ${check.padEnd(width)}  ${says}`;
  });
  const head = `${service}, seen from ${cluster ?? "a cluster that is no member"}`;
  return [head, "", ...lines, "", ...summary(firstWrong, untested)].join("\n");
}

function summary(first: Explanation["firstWrong"], untested: number): readonly string[] {
  const rest = untested === 0 ? "" : `; ${untested} checks could not be made`;
  if (first === undefined) return [`nothing wrong was found${rest}`];
  return [
    `the first thing that is wrong: ${first.check}: ${first.says}`,
    `to mend it: ${first.mend ?? ""}`,
  ];
}
