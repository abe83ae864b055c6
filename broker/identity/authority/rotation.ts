/**
 * How one authority takes over from another without a moment in which a member and the broker do not trust each other.
 *
 * spreading: the old one signs; whoever joins or renews is told to trust the new one too. It lasts longer than any
 * certificate, so every certificate that is valid at its end was handed out together with the new authority.
 * switched: the new one signs, both are trusted. It lasts as long again, so at its end no valid certificate is the old one's.
 * over: the old one is trusted no more.
 *
 * A member that was away for its whole certificate's life has an expired certificate in any case: it joins again.
 */
export interface Rotation {
  readonly startedAtMs: number;
  readonly switchAtMs: number;
  readonly retireAtMs: number;
}

export type RotationPhase = "spreading" | "switched" | "over";

export function phaseAt(rotation: Rotation, nowMs: number): RotationPhase {
  if (nowMs >= rotation.retireAtMs) return "over";
  return nowMs >= rotation.switchAtMs ? "switched" : "spreading";
}

/** When the phase changes next; undefined: never again. */
export function nextPhaseMs(rotation: Rotation, nowMs: number): number | undefined {
  if (nowMs < rotation.switchAtMs) return rotation.switchAtMs;
  return nowMs < rotation.retireAtMs ? rotation.retireAtMs : undefined;
}

export interface RotationNeeds {
  /** Life of certificates that are issued from now on. */
  readonly certificateLifeMs: number;
  /** When the last certificate that is known of expires: longer lives may have been set earlier. */
  readonly lastCertificateMs: number;
  /** When the last token that names no authority but the old one expires. */
  readonly lastTokenMs: number;
}

/** Part of a certificate's life that each phase lasts longer: for clocks of replicas, and for them to see that it began. */
const MARGIN = 0.1;

/** Times of a rotation that begins now. */
export function planRotation(nowMs: number, needs: RotationNeeds): Rotation {
  const lifeMs = Math.max(needs.certificateLifeMs, needs.lastCertificateMs - nowMs);
  const phaseMs = Math.ceil(lifeMs * (1 + MARGIN));
  const switchAtMs = Math.max(nowMs + phaseMs, needs.lastTokenMs);
  return { startedAtMs: nowMs, switchAtMs, retireAtMs: switchAtMs + phaseMs };
}
