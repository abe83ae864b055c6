import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { type Mismatch, mismatches } from "../golden/apiserver/compare.ts";
import { DIFFERENCES } from "../golden/apiserver/differences.ts";
import { type Exchange, readRecording } from "../golden/apiserver/exchange.ts";
import { normalize } from "../golden/apiserver/normalize.ts";
import { servedPart } from "../golden/apiserver/served-part.ts";
import { startApiServer } from "./api-server.ts";

// The steps that were recorded from a kube-apiserver 1.36 are run against the embedded server, and every answer must be
// the same but for the differences of test/golden/apiserver/differences.ts. The recording is kept outside of this repository.

const RECORDING = fileURLToPath(new URL("../../../shared/golden/apiserver/", import.meta.url));
const CRDS = ["serviceexports", "serviceimports"].map((plural) =>
  fileURLToPath(new URL(`../../api/crds/multicluster.x-k8s.io_${plural}.yaml`, import.meta.url)),
);
/** Compacting etcd is not among the steps: its effects are in the unit tests of the store and the watches. */
const NOT_IN_STEPS = "10-compaction-and-bookmarks.jsonl";

const isPresent = existsSync(RECORDING);

const absence = isPresent ? "" : ` (skipped: there is no recording at ${RECORDING})`;

test.skipIf(!isPresent)(`answers like the recorded kube-apiserver${absence}`, async () => {
  await using server = await startApiServer();
  const env = {
    ...process.env,
    KUBECONFIG: server.kubeconfig,
    OUT: server.folder,
    CRDS: CRDS.join(","),
  };
  await promisify(execFile)(process.execPath, [`${RECORDING}steps.mjs`], { env });

  const actual = [...readRecording(server.folder)];
  const expected = readRecording(RECORDING).filter(({ file }) => file !== NOT_IN_STEPS);
  const unexplained: string[] = [];
  const used = new Set<number>();
  for (const exchange of expected) {
    const at = actual.findIndex(
      (one) => one.file === exchange.file && one.title === exchange.title,
    );
    const [answer] = at < 0 ? [] : actual.splice(at, 1);
    if (answer === undefined) {
      unexplained.push(`${exchange.title}: not answered`);
      continue;
    }
    for (const mismatch of differencesOf(exchange, answer)) {
      const known = DIFFERENCES.findIndex(
        ({ titles, path }) => titles.includes(exchange.title) && path.test(mismatch.path),
      );
      if (known < 0) unexplained.push(`${exchange.title}: ${JSON.stringify(mismatch)}`);
      else used.add(known);
    }
  }
  expect(unexplained).toEqual([]);
  expect(expected.length).toBeGreaterThan(150);
  // A difference that is gone must leave the list.
  expect(DIFFERENCES.filter((_, at) => !used.has(at))).toEqual([]);
});

function differencesOf(expected: Exchange, actual: Exchange): readonly Mismatch[] {
  const got = normalize(part(actual));
  return mismatches(servedPart(normalize(part(expected)), got), got);
}

function part({ status, headers, content }: Exchange): unknown {
  return { status, headers, content };
}
