import { SavedFile } from "../../broker/client/saved/saved-file.ts";
import type { SavedState } from "../../broker/client/saved/saved-state.ts";
import { testCluster } from "../../broker/wire/row-arbitrary.ts";
import { anEndpointsRow } from "../../broker/wire/test-rows.ts";

// Saves a member's state again and again until it is killed, and says which number is safely there: `fork(saved-state-writer.ts, [path])`.

export const SAVED_BY = { clusterset: "set", clusterId: testCluster("me"), incarnation: 1 };

const ROWS = 2000;

/** Number `revision`: every row says so. */
export function savedRevision(revision: number): SavedState {
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

async function main(path: string): Promise<void> {
  const file = new SavedFile(path, SAVED_BY);
  for (let revision = 1; ; revision++) {
    const saved = await file.save(savedRevision(revision));
    if (!saved.ok) throw new Error(saved.error);
    process.send?.(revision);
  }
}

const [, script, path] = process.argv;
if (script === import.meta.filename && path !== undefined) await main(path);
