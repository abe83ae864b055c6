import type { Result } from "../../../api/result.ts";
import type { MemberIdentity, MemberMaterial } from "./member-identity.ts";

/** Where a member keeps who it is: a folder, or a Secret in its cluster. */
export interface IdentityStore {
  /** Undefined when nothing is stored. Error: stored parts are missing, damaged, expired or do not match. */
  load(): Promise<Result<MemberIdentity | undefined, string>>;

  /** Replaces the identity as one: a crash leaves the old one or the new. Forgets the join key. */
  save(material: MemberMaterial): Promise<Result<undefined, string>>;

  /** Forgets the identity: the cluster is no member any more. Nothing stored is fine. */
  remove(): Promise<Result<undefined, string>>;

  /** Key of a join under way, so that a crash during it can redeem the same token again. */
  loadJoinKey(): Promise<Result<string | undefined, string>>;
  saveJoinKey(keyPem: string): Promise<Result<undefined, string>>;
}
