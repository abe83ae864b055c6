import type { Hello } from "../../api/broker/broker.gen.ts";
import { BATCH_CAPABILITY } from "../wire/batch.ts";
import { SLICES_CAPABILITY } from "../wire/slice-scopes.ts";
import { PROTOCOL_VERSIONS } from "./client-step.ts";
import type { NetworkPart } from "./network-part.ts";

interface Parts extends Pick<Hello, "storeEpoch" | "namespaces" | "known" | "cidrs" | "ownDigest"> {
  /** Of a member that takes part in connectivity. */
  readonly network: ReturnType<NetworkPart["hello"]> | undefined;
  /** Of a member that keeps to slices. */
  readonly visibility: string | undefined;
}

/** What this member is and holds, as the first message of a stream. */
export function composeHello({ network, visibility, ...parts }: Parts): Hello {
  const { capabilities = [BATCH_CAPABILITY], ...rest } = network ?? {};
  return {
    ...parts,
    ...rest,
    protocolVersions: PROTOCOL_VERSIONS,
    capabilities: visibility === undefined ? capabilities : [...capabilities, SLICES_CAPABILITY],
    ...(visibility !== undefined && { visibility }),
  };
}
