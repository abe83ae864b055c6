import { MemorySpace } from "../store/space/memory/memory-space.ts";
import { MemorySpaceServer } from "../store/space/memory/memory-space-server.ts";
import { describeSharedRecords } from "./shared-records-compliance.ts";
import { SpaceRecords } from "./space-records.ts";

describeSharedRecords("space", async () => {
  const server = new MemorySpaceServer();
  return {
    one: new SpaceRecords(new MemorySpace(server)),
    other: new SpaceRecords(new MemorySpace(server)),
  };
});
