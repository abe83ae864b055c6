import type { ClusterId } from "../../api/cluster-id.ts";

/** Something that an admin may have to account for: who came in, who was kept out, who decided it. Never holds a secret. */
export type AuditEvent =
  | {
      readonly kind: "token-created";
      readonly cluster: ClusterId;
      readonly token: string;
      readonly expiresAt: string;
      /** True: it may take over a cluster id that is a member's. */
      readonly replace: boolean;
    }
  | {
      readonly kind: "joined" | "renewed";
      readonly cluster: ClusterId;
      readonly incarnation: number;
      readonly serial: string;
      readonly expiresAt: string;
      /** The token that let it in. */
      readonly token?: string;
    }
  | { readonly kind: "left"; readonly cluster: ClusterId; readonly incarnation: number }
  | {
      readonly kind: "refused";
      readonly call: "join" | "renew" | "sync" | "leave";
      /** As the certificate says; absent: none that is valid. */
      readonly cluster?: ClusterId;
      /** Where the connection comes from. */
      readonly from: string;
      readonly reason: string;
    }
  | {
      readonly kind: "revoked";
      readonly cluster: ClusterId;
      readonly incarnation: number;
      readonly rows: "withdraw" | "freeze";
    }
  | {
      readonly kind: "rotation-started";
      readonly authority: string;
      readonly switchAt: string;
      readonly retireAt: string;
    }
  | { readonly kind: "authority-switched" | "authority-retired"; readonly authority: string };

export const AUDIT_KINDS = [
  "token-created",
  "joined",
  "renewed",
  "left",
  "refused",
  "revoked",
  "rotation-started",
  "authority-switched",
  "authority-retired",
] as const satisfies readonly AuditEvent["kind"][];

/** Where audit events go. Never fails and never waits: what cannot be written is logged as an error. */
export interface AuditLog {
  record(event: AuditEvent): void;
}

export const silentAudit: AuditLog = { record: () => undefined };
