/** Where replicas of a simulated member's controllers elect their leader. */
export const LEASE_NAMESPACE = "isthmus-system";
export const LEASE_NAME = "isthmus-controllers";
