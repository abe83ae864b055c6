import { commonSettings } from "../../install/common-settings.ts";

export interface JoinLine {
  readonly clusterId: string;
  readonly token: string;
  /** Of the hub's processes. */
  readonly image: string;
}

/** What is typed at a member. The image is named where it is not the default: without it nodes would pull another. */
export function joinLine({ clusterId, token, image }: JoinLine): string {
  const chosen = image === commonSettings.image.parse(undefined) ? "" : ` --image ${image}`;
  return `isthmus install member --cluster-id ${clusterId} ${token} --apply${chosen}`;
}
