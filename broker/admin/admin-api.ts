import { z } from "zod";

/** What an admin asks a running broker, as JSON over HTTP on its socket. Times are RFC 3339. */

const memberReport = z.strictObject({
  cluster: z.string(),
  incarnation: z.number(),
  /** connected: to the broker that was asked; elsewhere: to another replica; revoked: its rows are frozen. */
  state: z.enum(["connected", "elsewhere", "disconnected", "revoked"]),
  joinedAt: z.string(),
  /** Of its latest certificate; absent: not known. */
  certificateExpiresAt: z.string().optional(),
  /** connected: since when; otherwise when it was seen last by the broker that was asked; absent: not since that started. */
  since: z.string().optional(),
  /** For how long no replica has had a stream of it, never counting time before the broker that was asked started; absent: one has. */
  silentSeconds: z.number().optional(),
  rows: z.strictObject({ exports: z.number(), endpoints: z.number() }),
  /** Global addresses it has, and for which of its networks. */
  globals: z.array(z.strictObject({ use: z.string(), global: z.string() })).default([]),
  /** Writes refused since the broker that was asked started. */
  refusedWrites: z.number(),
});
export type MemberReport = z.output<typeof memberReport>;

export const membersAnswer = z.strictObject({
  clusterset: z.string(),
  members: z.array(memberReport),
});
export type MembersAnswer = z.output<typeof membersAnswer>;

export const revokeRequest = z.strictObject({
  cluster: z.string(),
  rows: z.enum(["withdraw", "freeze"]),
});
export const revokeAnswer = z.strictObject({
  cluster: z.string(),
  incarnation: z.number(),
  rows: z.enum(["withdraw", "freeze"]),
});

export const rotateRequest = z.strictObject({});
export const rotationAnswer = z.strictObject({
  /** Fingerprint of the authority that signs now. */
  signing: z.string(),
  /** Fingerprints of all that are trusted. */
  trusted: z.array(z.string()),
  /** Absent: no rotation is under way. */
  rotation: z
    .strictObject({ startedAt: z.string(), switchAt: z.string(), retireAt: z.string() })
    .optional(),
});
export type RotationAnswer = z.output<typeof rotationAnswer>;

export const failureAnswer = z.strictObject({ error: z.string() });

/** Method and path of each question. */
export const ADMIN_ROUTES = {
  members: "GET /members",
  revoke: "POST /revoke",
  authority: "GET /authority",
  rotate: "POST /authority/rotate",
} as const;
export type AdminRoute = keyof typeof ADMIN_ROUTES;
