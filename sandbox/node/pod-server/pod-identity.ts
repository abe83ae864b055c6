/** What a pod says of itself in its answers. */
export interface PodIdentity {
  readonly cluster: string;
  readonly node: string;
  readonly namespace: string;
  readonly pod: string;
  readonly podIp: string;
}

/** What a pod's TCP and UDP ports say first; upstream's conformance image says the same. */
export function bannerOf(identity: PodIdentity): string {
  return `pod ip ${identity.podIp}\n`;
}
