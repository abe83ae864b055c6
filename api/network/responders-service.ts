/** Service whose endpoints are all pods of a member that answer probes. Kubernetes takes out those that are going. */
export const RESPONDERS_SERVICE = "isthmus-responders";
