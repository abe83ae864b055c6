import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { MeasuredServer } from "./measured-server.ts";

/** CoreDNS with the plugins that serve a clusterset, reading the same API server. `more` are further plugins. */
export function coredns(program: string, name: string, more: readonly string[]): MeasuredServer {
  return {
    name,
    command({ folder, port, kubeconfig }) {
      const file = join(folder, "Corefile");
      writeFileSync(
        file,
        `.:${port} {
  bind 127.0.0.1
  kubernetes cluster.local clusterset.local {
    kubeconfig ${kubeconfig}
    multicluster clusterset.local
  }
${more.map((line) => `  ${line}\n`).join("")}}
`,
      );
      return [program, "-conf", file];
    },
  };
}
