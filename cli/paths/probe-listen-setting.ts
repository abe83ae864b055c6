import { cidrAround, formatCidr } from "../../api/network/cidr.ts";
import { addressBits, parseIpAddress } from "../../api/network/ip-address.ts";
import { meetsNever } from "../../api/network/member-cidr.ts";
import { listenSetting } from "../../runtime/config/common-settings.ts";
import type { ListenAddress } from "../../runtime/net/listen-address.ts";

/** Of each process that answers probes. */
export const probeListenSetting = listenSetting
  .superRefine((listen, context) => {
    const problem = whyNoResponder(listen);
    if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
  })
  .optional()
  .describe(
    "UDP address at which probes of other clusters are answered, in the pod network; default: none are",
  );

/** Others are told of the address, and the hub refuses a network row with one that is nobody's outside (SEC-06). */
function whyNoResponder({ host }: ListenAddress): string | undefined {
  if (host === undefined || host === "::" || host === "0.0.0.0") return undefined;
  const address = parseIpAddress(host);
  const rule = "other clusters probe it: must be an address in the pod network, or none for all";
  if (!address.ok) return `${rule}: got ${JSON.stringify(host)}`;
  const hit = meetsNever(cidrAround(address.value, addressBits(address.value.family)));
  return hit === undefined
    ? undefined
    : `${rule}, not of ${formatCidr(hit)}: got ${JSON.stringify(host)}`;
}
