/** What admins pin, of which scripts choose one set at a time. */
export const PIN_SETS: readonly (readonly string[])[] = [
  [],
  ["shop/*=vxlan"],
  ["shop/web=underlay", "bank/*=vxlan"],
  ["east=vxlan"],
  ["north=underlay", "shop/db=vxlan"],
];
