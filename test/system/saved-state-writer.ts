import { isDeepStrictEqual } from "node:util";
import { SavedFile } from "../../broker/client/saved/saved-file.ts";
import type { SavedState } from "../../broker/client/saved/saved-state.ts";
import { testCluster } from "../../broker/wire/row-arbitrary.ts";
import { anEndpointsRow } from "../../broker/wire/test-rows.ts";

// Saves a member's state again and again until it is killed, and says which number is safely there: `fork(saved-state-writer.ts, [path])`.
// With "read" behind the path it says instead which number it finds, 0 for none, and whether that is whole: in a process of its own, since
// what was saved is told apart by the source text of what reads it, which a test runner changes.

const SAVED_BY = { clusterset: "set", clusterId: testCluster("me"), incarnation: 1 };

const ROWS = 2000;

/** Number `revision`: every row says so. */
function savedRevision(revision: number): SavedState {
  const version = { incarnation: 1, sequence: revision };
  const endpoints = [
    { addresses: [`10.1.0.${revision % 250}`], ready: true, serving: true, terminating: false },
  ];
  const rows = Array.from({ length: ROWS }, (_, at) => ({
    row: anEndpointsRow({ slice: `web-${at}`, endpoints }),
    version,
  }));
  const owner = { cluster: testCluster("a"), ...version, rows };
  return { epoch: "e1", namespaces: ["shop"], visibility: "", owners: [owner], ownRows: [] };
}

async function write(path: string): Promise<void> {
  const file = new SavedFile(path, SAVED_BY);
  for (let revision = 1; ; revision++) {
    const saved = await file.save(savedRevision(revision));
    if (!saved.ok) throw new Error(saved.error);
    process.send?.(revision);
  }
}

export interface Found {
  readonly revision: number;
  readonly isWhole: boolean;
}

async function read(path: string): Promise<void> {
  const loaded = await new SavedFile(path, SAVED_BY).load();
  if (!loaded.ok) throw new Error(loaded.error);
  const revision = loaded.value?.owners[0]?.sequence ?? 0;
  const isWhole = isDeepStrictEqual(loaded.value, savedRevision(revision));
  process.send?.({ revision, isWhole } satisfies Found);
}

const [, , path, task] = process.argv;
if (path === undefined) throw new Error("a path must be named: got none");
await (task === "read" ? read(path) : write(path));
