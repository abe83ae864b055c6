import { ok, type Result } from "../../api/result.ts";
import type { BlockBook } from "../globals/block-book.ts";
import type { GlobalAddresses } from "../globals/global-addresses.ts";
import type { AuthorityKeeper } from "../identity/authority/authority-keeper.ts";
import type { RotationNeeds } from "../identity/authority/rotation.ts";
import type { Revocations } from "../identity/revocations.ts";
import type { TokenBook } from "../identity/token/token-book.ts";
import type { Hub } from "../server/hub.ts";
import type { Store } from "../store/store.ts";
import {
  type MembersAnswer,
  type RotationAnswer,
  revokeRequest,
  rotateRequest,
} from "./admin-api.ts";
import { type AdminHandlers, asking } from "./admin-server.ts";
import { listMembers } from "./member-list.ts";

interface Deps {
  readonly store: Store;
  readonly hub: Hub;
  readonly globals: Pick<GlobalAddresses, "book">;
  readonly authorities: AuthorityKeeper;
  readonly tokens: TokenBook;
  readonly revocations: Revocations;
  readonly certificateLifeMs: number;
  readonly nowMs: () => number;
}

/** What a running broker answers its admin. */
export function createAdminHandlers(deps: Deps): AdminHandlers {
  const { authorities, revocations } = deps;
  return {
    members: async () => {
      const globals = await deps.globals.book();
      return globals.ok ? ok(members(deps, globals.value)) : globals;
    },
    revoke: asking(revokeRequest, ({ cluster, rows }) => revocations.revoke(cluster, rows)),
    authority: async () => ok(rotationAnswer(authorities)),
    rotate: asking(rotateRequest, async () => {
      const needs = await rotationNeeds(deps);
      if (!needs.ok) return needs;
      const rotated = await authorities.rotate(needs.value);
      return rotated.ok ? ok(rotationAnswer(authorities)) : rotated;
    }),
  };
}

function members({ store, hub, authorities }: Deps, globals: BlockBook): MembersAnswer {
  const sources = {
    globals,
    table: store.table,
    activity: (cluster: Parameters<Hub["activity"]>[0]) => hub.activity(cluster),
    silentMs: (cluster: Parameters<Hub["silentMs"]>[0]) => hub.silentMs(cluster),
    elsewhere: store.whereabouts.elsewhere(),
  };
  return { clusterset: authorities.clusterset, members: [...listMembers(sources)] };
}

async function rotationNeeds(deps: Deps): Promise<Result<RotationNeeds, string>> {
  const { store, authorities, tokens, certificateLifeMs } = deps;
  const nowMs = deps.nowMs();
  const lastTokenMs = await tokens.lastExpiryMs(authorities.signing.fingerprint, nowMs);
  if (!lastTokenMs.ok) return lastTokenMs;
  const expiries = store.table.members().map((member) => member.certificateExpiresAtMs ?? nowMs);
  const lastCertificateMs = Math.max(nowMs, ...expiries);
  return ok({ certificateLifeMs, lastCertificateMs, lastTokenMs: lastTokenMs.value });
}

function rotationAnswer({ signing, trusted, rotation }: AuthorityKeeper): RotationAnswer {
  return {
    signing: signing.fingerprint,
    trusted: trusted.map(({ fingerprint }) => fingerprint),
    ...(rotation === undefined
      ? {}
      : {
          rotation: {
            startedAt: new Date(rotation.startedAtMs).toISOString(),
            switchAt: new Date(rotation.switchAtMs).toISOString(),
            retireAt: new Date(rotation.retireAtMs).toISOString(),
          },
        }),
  };
}
