import { join } from "node:path";
import type { IpFamily } from "../../../api/kube/service.ts";
import type { Files } from "./system-files.ts";

/** Families that the kernel has: one that was started with `ipv6.disable=1` has no settings of IPv6 either. */
export async function kernelFamilies(procSys: string, files: Files): Promise<readonly IpFamily[]> {
  const anyOfIpv6 = await files.read(join(procSys, "net/ipv6/conf/all/forwarding"));
  return anyOfIpv6 === undefined ? ["IPv4"] : ["IPv4", "IPv6"];
}
