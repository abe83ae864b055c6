import { z } from "zod";
import { memorySetting } from "./common-settings.ts";

/** Of backend vxlan: gateways and node agents. */
export const gatewaySettings = {
  gateway: z.boolean().optional().describe("run gateways; not given: with backend vxlan"),
  nodeAgent: z
    .boolean()
    .optional()
    .describe("run an agent on each node; not given: with backend vxlan"),
  gatewayNodes: z
    .enum(["any", "labelled"])
    .default("any")
    .describe(
      "where gateways run: any node but those labelled isthmus.dev/gateway=false, of which the controllers choose two; or only nodes labelled isthmus.dev/gateway=true, all of them",
    ),
  netImage: z
    .string()
    .min(1)
    .default("isthmus-net")
    .describe("image of gateways and node agents, that packaging/Dockerfile.net makes"),
  cleanNodes: z
    .boolean()
    .default(false)
    .describe(
      "instead of running gateways and node agents remove all that they put into nodes: before an uninstall",
    ),
  gatewayMemoryLimit: memorySetting("512Mi", "gateways"),
  nodeAgentMemoryLimit: memorySetting("256Mi", "node agents"),
} as const;
