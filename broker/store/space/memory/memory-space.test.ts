import { testSpaceCompliance } from "../space-compliance.ts";
import { MemorySpace } from "./memory-space.ts";
import { MemorySpaceServer } from "./memory-space-server.ts";

testSpaceCompliance("MemorySpace", async () => {
  const server = new MemorySpaceServer();
  return { open: async () => new MemorySpace(server), dispose: async () => undefined };
});
