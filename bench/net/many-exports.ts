import { ENDPOINT_SLICES, type EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import { mustRunIn } from "../../sandbox/network/netns/run-commands.ts";
import { HTTP } from "../../test/net/harness/net-service.ts";
import { globalAddress } from "../../test/net/harness/network-objects.ts";
import { mcsSliceMeta, type VxlanWorld } from "../../test/net/harness/vxlan-world.ts";

const IN_SLICE = 100;
const CALL_MS = 10_000;

/** Further endpoints that a cluster exports, in slices of a hundred, and that nobody is behind: what rules are loaded with. IPv4. */
export class ManyExports {
  readonly #vxlan: VxlanWorld;
  readonly #exporter: string;
  #slices = 0;

  constructor(vxlan: VxlanWorld, exporter: string) {
    this.#vxlan = vxlan;
    this.#exporter = exporter;
  }

  /** Resolves when the gateways of all clusters have the rules for exactly so many, a multiple of a hundred. */
  async bringTo(count: number): Promise<void> {
    const wanted = count / IN_SLICE;
    while (this.#slices < wanted) await this.#create(this.#slices++);
    while (this.#slices > wanted) await this.#remove(--this.#slices);
    await this.#vxlan.world.until(`rules for ${count} endpoints`, () => this.#hasRulesFor(count));
  }

  async #create(slice: number): Promise<void> {
    const { plan } = this.#vxlan.world.cluster(this.#exporter);
    const [, second = ""] = (plan.podCidrs[0] ?? "").split(".");
    const own = Array.from(
      { length: IN_SLICE },
      (_, host) => `10.${second}.${100 + slice}.${1 + host}`,
    );
    for (const { plan: importer } of this.#vxlan.clusters) {
      const addresses =
        importer === plan ? own : own.map((address) => globalAddress(plan, address));
      const object: EndpointSlice = {
        ...mcsSliceMeta(this.#name(slice), plan.id, `many-${slice}`),
        addressType: "IPv4",
        ports: [{ name: "http", port: HTTP, protocol: "TCP" }],
        endpoints: addresses.map((address) => ({
          addresses: [address],
          conditions: { ready: true },
        })),
      };
      await this.#vxlan.world.create(importer.id, ENDPOINT_SLICES, object);
    }
  }

  async #remove(slice: number): Promise<void> {
    const { namespace = "" } = mcsSliceMeta("", "", "").metadata;
    for (const { kube } of this.#vxlan.clusters) {
      const target = { resource: ENDPOINT_SLICES, namespace, name: this.#name(slice) };
      const removed = await kube.delete(target, {}, { signal: AbortSignal.timeout(CALL_MS) });
      if (!removed.ok) throw new Error(removed.error.message);
    }
  }

  async #hasRulesFor(count: number): Promise<true | undefined> {
    for (const { plan } of this.#vxlan.clusters) {
      const set = plan.id === this.#exporter ? "exported4" : "imported4";
      for (const { namespace } of this.#vxlan.gatewayNodes(plan.id)) {
        const list = ["nft", "list", "set", "inet", "isthmus_gateway", set];
        const text = await mustRunIn(namespace, list);
        if ((text.match(/242\.\d+\.[12]\d\d\.\d+ \. tcp/g) ?? []).length !== count) {
          return undefined;
        }
      }
    }
    return true;
  }

  #name(slice: number): string {
    return `${this.#exporter}-many-${slice}`;
  }
}
