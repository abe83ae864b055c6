/** The fate of the latest probes of one target, oldest first. BOUNDED: by the window's size. */
export type LossWindow = readonly boolean[];

export function withFate(window: LossWindow, isAnswered: boolean, size: number): LossWindow {
  return [...window.slice(-(size - 1)), isAnswered];
}

/** 0 to 100; undefined when nothing is known yet. */
export function lossPercent(window: LossWindow): number | undefined {
  if (window.length === 0) return undefined;
  return (window.filter((isAnswered) => !isAnswered).length * 100) / window.length;
}
