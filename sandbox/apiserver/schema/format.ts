import { isIPv4, isIPv6 } from "node:net";

const DATE_TIME =
  /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

type Check = (text: string) => boolean;

/** The formats of strings that are checked; others are only hints, as in the real server. */
const FORMATS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ["date-time", isDateTime],
  ["date", (text) => /^\d{4}-\d{2}-\d{2}$/.test(text) && isDateTime(`${text}T00:00:00Z`)],
  ["ipv4", isIPv4],
  ["ipv6", isIPv6],
  ["ip", (text) => isIPv4(text) || isIPv6(text)],
  ["uuid", (text) => UUID.test(text)],
  ["byte", (text) => /^[A-Za-z0-9+/]*={0,2}$/.test(text) && text.length % 4 === 0],
]);

export function matchesFormat(format: string, text: string): boolean {
  return FORMATS.get(format)?.(text) ?? true;
}

/** RFC 3339, with the calendar's own limits. */
function isDateTime(text: string): boolean {
  const match = DATE_TIME.exec(text);
  if (match === null) return false;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map(Number);
  if (month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59) return false;
  return day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
}
