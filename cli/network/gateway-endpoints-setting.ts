import { z } from "zod";
import { cidrAround, formatCidr } from "../../api/network/cidr.ts";
import { addressBits, parseIpAddress } from "../../api/network/ip-address.ts";
import { meetsNever } from "../../api/network/member-cidr.ts";

/** Others are told of these addresses, and the hub refuses all of a network row with one that they cannot send to (SEC-06). */
export const gatewayEndpointsSetting = z
  .array(
    z.string().superRefine((text, context) => {
      const problem = whyNoEndpoint(text);
      if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
    }),
  )
  .default([])
  .describe("addresses at which gateways of other clusters reach this one; default: its node's");

function whyNoEndpoint(text: string): string | undefined {
  const address = parseIpAddress(text);
  if (!address.ok) return address.error;
  const hit = meetsNever(cidrAround(address.value, addressBits(address.value.family)));
  return hit === undefined
    ? undefined
    : `other clusters send to it: must not be of ${formatCidr(hit)}: got ${JSON.stringify(text)}`;
}
