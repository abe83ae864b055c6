import { testStoreCompliance } from "../store-compliance.ts";
import { MemoryStore } from "./memory-store.ts";

testStoreCompliance("MemoryStore", async () => {
  let last: MemoryStore | undefined;
  return {
    open: async () => {
      last = last?.reopen() ?? new MemoryStore("epoch");
      return last;
    },
  };
});
