import type { Backend } from "../backend.ts";
import { underlayBackend } from "../underlay/underlay-backend.ts";

/**
 * The CNI's own mesh carries pod addresses between clusters as they are. Its dataplane is the CNI's: nothing of it is
 * applied, changed or cleaned up here.
 */
export const overlayBackend: Backend = { ...underlayBackend, name: "overlay-cni" };
