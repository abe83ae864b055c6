import { invariant } from "../../../api/invariant.ts";
import type { Result } from "../../../api/result.ts";
import { seededRandom } from "../../../runtime/random/seeded-random.ts";
import { decodeObject } from "../object/decode.ts";
import { randomNameSuffix } from "../object/generate-name.ts";
import { type JsonObject, objectAt, withFieldAt } from "../object/json.ts";
import { type StatusError, toStatus } from "../object/status-error.ts";
import type { Kind, KindVersion, Prepared, StrategyContext } from "./kind.ts";
import { parseServiceRanges, ServiceNetwork } from "./service/service-network.ts";

/** For tests: runs one kind's writes through decoding and strategy, without a server. */
export class KindTrial {
  readonly kind: Kind;
  readonly version: KindVersion;
  readonly warnings: string[] = [];
  readonly network: ServiceNetwork;
  readonly #random = seededRandom(1);
  #uids = 0;

  constructor(kind: Kind, cidrs: readonly string[] = ["10.101.0.0/16"]) {
    const version = kind.versions.find(({ storage }) => storage);
    const ranges = parseServiceRanges(cidrs);
    invariant(version !== undefined && ranges.ok, "a kind with a storage version and good ranges");
    this.kind = kind;
    this.version = version;
    this.network = new ServiceNetwork(ranges.value, { random: this.#random });
  }

  create(body: JsonObject, dryRun = false): Prepared {
    const context = this.#context(dryRun);
    return this.#then(this.#decode(this.#named(body)), (object) =>
      this.#then(
        this.kind.strategy.prepareCreate(object, context),
        (prepared) =>
          this.kind.strategy.allocate?.(prepared, undefined, context) ?? {
            ok: true,
            value: prepared,
          },
      ),
    );
  }

  update(body: JsonObject, old: JsonObject): Prepared {
    const context = this.#context(false);
    return this.#then(this.#decode(body), (object) =>
      this.#then(
        this.kind.strategy.prepareUpdate(object, old, context),
        (prepared) =>
          this.kind.strategy.allocate?.(prepared, old, context) ?? { ok: true, value: prepared },
      ),
    );
  }

  updateStatus(body: JsonObject, old: JsonObject): Prepared {
    return this.#then(this.#decode(body), (object) =>
      this.kind.strategy.prepareStatusUpdate(object, old, this.#context(false)),
    );
  }

  delete(object: JsonObject): void {
    this.kind.strategy.onDeleted?.(object, this.#context(false));
  }

  #named(body: JsonObject): JsonObject {
    const metadata = objectAt(body, ["metadata"]);
    const namespaced = this.kind.namespaced ? { namespace: "shop" } : {};
    return { ...body, metadata: { name: "x", ...namespaced, ...metadata } };
  }

  #decode(body: JsonObject): Prepared {
    const decoded = decodeObject({
      kind: this.kind,
      version: this.version,
      body: withFieldAt(body, ["kind"], this.kind.kind),
      fieldValidation: "Warn",
      warn: (message) => this.warnings.push(message),
    });
    return decoded.ok ? { ok: true, value: this.version.toStorage(decoded.value) } : decoded;
  }

  #context(dryRun: boolean): StrategyContext {
    return {
      nowMs: 1_000,
      dryRun,
      network: this.network,
      newUid: () => `uid-${(this.#uids += 1)}`,
      randomSuffix: () => randomNameSuffix(this.#random),
      warn: (message) => this.warnings.push(message),
    };
  }

  #then(result: Prepared, next: (object: JsonObject) => Prepared): Prepared {
    return result.ok ? next(result.value) : result;
  }
}

/** The object of a write that must have worked. */
export function accepted(result: Result<JsonObject, StatusError>): JsonObject {
  invariant(result.ok, "the write is accepted", result.ok ? {} : toStatus(result.error));
  return result.value;
}

/** The causes of a write that must have failed, as `field: message`; the message alone when there are none. */
export function causes(result: Result<JsonObject, StatusError>): readonly string[] {
  invariant(!result.ok, "the write is refused", result.ok ? result.value : {});
  const { details, message } = result.error;
  return details?.causes?.map((cause) => `${cause.field}: ${cause.message}`) ?? [message];
}
