import { runOptions } from "../harness/run-options.ts";
import { embeddedClusters } from "./embedded-clusters.ts";
import { existingClusters } from "./existing-clusters.ts";
import type { TwoClusters } from "./two-clusters.ts";

/** Why a test that needs nodes is not run, for its name; empty: it is. Known before a test is collected. */
export function whyNot(): string {
  const options = runOptions();
  if (options === undefined || options.image !== undefined) return "";
  return " (not run: existing clusters need --image, which their nodes pull)";
}

export function startTwoClusters(): Promise<TwoClusters> {
  const options = runOptions();
  if (options === undefined) return embeddedClusters();
  if (options.image === undefined) throw new Error(`no clusters with nodes:${whyNot()}`);
  return existingClusters(options, options.image);
}
