/** Where the embedded API server answers otherwise than the recorded one, and why. */
export interface Difference {
  readonly reason: string;
  /** Titles of exchanges. */
  readonly titles: readonly string[];
  /** Paths of the values that differ. */
  readonly path: RegExp;
}

/** Every difference that is meant. `sandbox/README.md` tells the same in words; one that no longer occurs fails the test. */
export const DIFFERENCES: readonly Difference[] = [
  {
    reason: "says what it is: an embedded server, not a build of Kubernetes",
    titles: ["version"],
    path: /^\.content\.(gitVersion|gitCommit|goVersion|compiler|platform)$/,
  },
  {
    reason:
      "one list page of one object: there is no EndpointSlice controller whose slice would come first",
    titles: ["list notin / exists selectors", "exact rv", "table"],
    path: /^\.content\.(items|rows|metadata\.remainingItemCount)/,
  },
  {
    reason:
      "the definition in api/crds is newer than the recorded one: categories, and status.endpointSliceObjects",
    titles: [
      "mcs v1beta1 resources",
      "aggregated discovery of /apis",
      "import status ok",
      "table of imports",
      "status change",
      "watch custom resources",
    ],
    path: /categories|endpointSliceObjects|^\.headers\.warning$/,
  },
  {
    reason: "content is deleted at once, where the real controller had not come to it yet",
    titles: ["namespace terminating", "release"],
    path: /^\.content\.(status\.conditions|metadata\.deletion(Timestamp|GracePeriodSeconds))$/,
  },
  {
    reason: "questions (reviews, token requests) are not objects: nobody owns their fields",
    titles: ["self subject access review", "token request"],
    path: /^\.content\.metadata/,
  },
  {
    reason: "answers are JSON or YAML: protobuf is read in requests, not written",
    titles: ["not acceptable"],
    path: /^\.content\.message$/,
  },
];
