import {
  atomicList,
  atomicTextMap,
  bool,
  int32,
  intOrString,
  mapList,
  type Properties,
  pointer,
  struct,
  text,
  withDefault,
} from "../../schema/build-schema.ts";
import { CONDITION_LIST } from "../condition-schema.ts";

const PORT = struct("ServicePort", "ServicePort contains information on service's port.", {
  name: text(
    "The name of this port within the service. This must be a DNS_LABEL. All ports within a ServiceSpec must have unique names. Optional if only one ServicePort is defined on this service.",
  ),
  protocol: withDefault(
    text('The IP protocol for this port. Supports "TCP", "UDP", and "SCTP". Default is TCP.'),
    "TCP",
  ),
  appProtocol: pointer(text("The application protocol for this port, a hint to implementations.")),
  port: int32("The port that will be exposed by this service."),
  targetPort: intOrString(
    "Number or name of the port to access on the pods targeted by the service. Defaults to port.",
  ),
  nodePort: int32(
    "The port on each node on which this service is exposed when type is NodePort or LoadBalancer. Usually assigned by the system.",
  ),
});

const INGRESS_PORT = struct("PortStatus", "PortStatus is the state of one port.", {
  port: int32("Port number of the service port of which status is recorded here."),
  protocol: text("Protocol of the service port of which status is recorded here."),
  error: pointer(text("Problem with the service port.")),
});

const INGRESS = struct("LoadBalancerIngress", "Status of a load-balancer ingress point.", {
  ip: text("IP of load-balancer ingress points that are IP based."),
  hostname: text("Hostname of load-balancer ingress points that are DNS based."),
  ipMode: pointer(text("How the load-balancer IP behaves: VIP or Proxy.")),
  ports: atomicList("Records of service ports.", INGRESS_PORT),
});

const SESSION_AFFINITY_CONFIG = struct(
  "SessionAffinityConfig",
  "sessionAffinityConfig contains the configurations of session affinity.",
  {
    clientIP: struct("ClientIPConfig", "Configurations of Client IP based session affinity.", {
      timeoutSeconds: pointer(
        int32(
          'Seconds of ClientIP type session sticky time. The value must be >0 && <=86400 (1 day) if serviceAffinity == "ClientIP". Default value is 10800 (3 hours).',
        ),
      ),
    }),
  },
);

const SPEC = struct("ServiceSpec", "Spec defines the behavior of a service.", {
  ports: mapList(
    "The list of ports that are exposed by this service. More info: https://kubernetes.io/docs/concepts/services-networking/service/#virtual-ips-and-service-proxies",
    { keys: ["port", "protocol"], mergeKey: "port" },
    PORT,
  ),
  selector: atomicTextMap(
    "Route service traffic to pods with label keys and values matching this selector. If empty or not present, the service is assumed to have an external process managing its endpoints, which Kubernetes will not modify. Only applies to types ClusterIP, NodePort, and LoadBalancer. Ignored if type is ExternalName. More info: https://kubernetes.io/docs/concepts/services-networking/service/",
  ),
  clusterIP: text(
    'clusterIP is the IP address of the service and is usually assigned randomly. If an address is specified manually, is in-range (as per system configuration), and is not in use, it will be allocated to the service; otherwise creation of the service will fail. This field may not be changed through updates unless the type field is also being changed to ExternalName (which requires this field to be blank) or the type field is being changed from ExternalName (in which case this field may optionally be specified, as describe above).  Valid values are "None", empty string (""), or a valid IP address. Setting this to "None" makes a "headless service" (no virtual IP), which is useful when direct endpoint connections are preferred and proxying is not required.  Only applies to types ClusterIP, NodePort, and LoadBalancer. If this field is specified when creating a Service of type ExternalName, creation will fail. This field will be wiped when updating a Service to type ExternalName. More info: https://kubernetes.io/docs/concepts/services-networking/service/#virtual-ips-and-service-proxies',
  ),
  clusterIPs: atomicList(
    "IP addresses assigned to this service, at most one of each family; the first equals clusterIP.",
    text("An IP address."),
  ),
  type: text(
    'type determines how the Service is exposed. Defaults to ClusterIP. Valid options are ExternalName, ClusterIP, NodePort, and LoadBalancer. "ClusterIP" allocates a cluster-internal IP address for load-balancing to endpoints. Endpoints are determined by the selector or if that is not specified, by manual construction of an Endpoints object or EndpointSlice objects. If clusterIP is "None", no virtual IP is allocated and the endpoints are published as a set of endpoints rather than a virtual IP. "NodePort" builds on ClusterIP and allocates a port on every node which routes to the same endpoints as the clusterIP. "LoadBalancer" builds on NodePort and creates an external load-balancer (if supported in the current cloud) which routes to the same endpoints as the clusterIP. "ExternalName" aliases this service to the specified externalName. Several other fields do not apply to ExternalName services. More info: https://kubernetes.io/docs/concepts/services-networking/service/#publishing-services-service-types',
  ),
  externalIPs: atomicList(
    "externalIPs is a list of IP addresses for which nodes in the cluster will also accept traffic for this service.  These IPs are not managed by Kubernetes.  The user is responsible for ensuring that traffic arrives at a node with this IP.  A common example is external load-balancers that are not part of the Kubernetes system.",
    text("An IP address."),
  ),
  sessionAffinity: text('Supports "ClientIP" and "None". Defaults to None.'),
  loadBalancerIP: text("Deprecated: the address asked of the load balancer."),
  loadBalancerSourceRanges: atomicList("CIDRs that may use the load balancer.", text("A CIDR.")),
  externalName: text(
    "What an ExternalName service is an alias of: a lower-case RFC-1123 hostname.",
  ),
  externalTrafficPolicy: text(
    'How nodes distribute traffic they receive on external addresses: "Cluster" or "Local".',
  ),
  healthCheckNodePort: int32("Port of the health check when externalTrafficPolicy is Local."),
  publishNotReadyAddresses: bool("Endpoints are published whether they are ready or not."),
  sessionAffinityConfig: SESSION_AFFINITY_CONFIG,
  ipFamilies: atomicList(
    "Families assigned to this service, usually by the system: IPv4, IPv6 or both.",
    text("IPv4 or IPv6."),
  ),
  ipFamilyPolicy: pointer(text("SingleStack, PreferDualStack or RequireDualStack.")),
  allocateLoadBalancerNodePorts: pointer(
    bool("Whether node ports are allocated for a LoadBalancer. Default is true."),
  ),
  loadBalancerClass: pointer(text("Which load balancer implementation this service belongs to.")),
  internalTrafficPolicy: pointer(
    text(
      'How nodes distribute traffic they receive on the ClusterIP: "Cluster" to all endpoints, "Local" only to those of the same node.',
    ),
  ),
  trafficDistribution: pointer(
    text(
      "A preference for how traffic is distributed: PreferClose, PreferSameZone, PreferSameNode.",
    ),
  ),
});

export const SERVICE_PROPERTIES: Properties = {
  spec: SPEC,
  status: struct("ServiceStatus", "Most recently observed status of the service. Read-only.", {
    loadBalancer: struct("LoadBalancerStatus", "Current status of the load-balancer.", {
      ingress: atomicList("Ingress points of the load-balancer.", INGRESS),
    }),
    conditions: CONDITION_LIST,
  }),
};
