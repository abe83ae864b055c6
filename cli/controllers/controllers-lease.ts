/** By which replicas of the controllers elect who works. */
export const CONTROLLERS_LEASE = "isthmus-controllers";
