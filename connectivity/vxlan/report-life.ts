/** A gateway's report that was not renewed for so long says nothing, ms; it is written every 10 s. */
export const REPORT_LIFE_MS = 35_000;
