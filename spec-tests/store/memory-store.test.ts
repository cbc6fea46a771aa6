import { MemoryState } from "../../src/store/memory-state.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import { storeSuite } from "./store-suite.ts";

storeSuite("memory store", () => {
  const state = new MemoryState();
  return {
    open: () => new MemoryStore(state),
    dispose: async () => {},
  };
});
