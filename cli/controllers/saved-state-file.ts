import { join } from "node:path";
import { SavedFile } from "../../broker/client/saved/saved-file.ts";
import type { PeerIdentity } from "../../broker/identity/identity-uri.ts";

/** Of this member in this life, beside its identity or wherever `isthmus controllers` was told to keep it. */
export function savedStateFile(directory: string, identity: PeerIdentity): SavedFile {
  const { clusterset, clusterId, incarnation } = identity;
  const path = join(directory, "member-state.bin");
  return new SavedFile(path, { clusterset, clusterId, incarnation });
}
