import {
  anyObject,
  atomicList,
  atomicTextMap,
  bool,
  int32,
  int64,
  intOrString,
  mapList,
  pointer,
  struct,
  text,
  withDefault,
} from "../../schema/build-schema.ts";
import type { Schema } from "../../schema/schema.ts";

const PORT = struct("ContainerPort", "A network port in a container.", {
  name: text("Name of the port, unique in the pod; services can refer to it."),
  hostPort: int32("Port to expose on the host."),
  containerPort: int32("Port to expose on the pod's IP address."),
  protocol: withDefault(text("UDP, TCP or SCTP. Defaults to TCP."), "TCP"),
  hostIP: text("Host IP to bind the external port to."),
});

const ENV = struct("EnvVar", "An environment variable.", {
  name: text("Name of the variable."),
  value: text("Its value."),
  valueFrom: anyObject("Source of the value."),
});

const PROBE = struct("Probe", "A health check of a container.", {
  httpGet: struct("HTTPGetAction", "An HTTP GET request.", {
    path: text("Path to access."),
    port: intOrString("Name or number of the port."),
    host: text("Host name to connect to, defaults to the pod IP."),
    scheme: text("Scheme to connect with. Defaults to HTTP."),
    httpHeaders: atomicList(
      "Headers of the request.",
      struct("HTTPHeader", "A header.", { name: text("Name."), value: text("Value.") }),
    ),
  }),
  tcpSocket: struct("TCPSocketAction", "A TCP connection.", {
    port: intOrString("Name or number of the port."),
    host: text("Host name to connect to, defaults to the pod IP."),
  }),
  exec: struct("ExecAction", "A command in the container.", {
    command: atomicList("The command line.", text("A word.")),
  }),
  grpc: anyObject("A gRPC health check."),
  initialDelaySeconds: int32("Seconds after the start before probes begin."),
  timeoutSeconds: int32("Seconds after which the probe times out. Defaults to 1."),
  periodSeconds: int32("How often to probe, in seconds. Defaults to 10."),
  successThreshold: int32("Consecutive successes to be considered successful. Defaults to 1."),
  failureThreshold: int32("Consecutive failures to be considered failed. Defaults to 3."),
  terminationGracePeriodSeconds: pointer(int64("Seconds to terminate after a probe failure.")),
});

const CONTAINER = struct("Container", "A single application container of a pod.", {
  name: text("Name of the container, a DNS_LABEL, unique in the pod."),
  image: text("Container image name."),
  command: atomicList("Entrypoint array.", text("A word.")),
  args: atomicList("Arguments to the entrypoint.", text("A word.")),
  workingDir: text("Working directory."),
  ports: mapList(
    "Ports to expose from the container.",
    { keys: ["containerPort", "protocol"], mergeKey: "containerPort" },
    PORT,
  ),
  env: mapList("Environment variables.", { keys: ["name"], mergeKey: "name" }, ENV),
  envFrom: atomicList("Sources of environment variables.", anyObject("A source.")),
  resources: struct("ResourceRequirements", "Compute resources required.", {
    limits: anyObject("The maximum allowed."),
    requests: anyObject("The minimum required."),
    claims: atomicList("Resource claims.", anyObject("A claim.")),
  }),
  volumeMounts: mapList(
    "Volumes to mount.",
    { keys: ["mountPath"], mergeKey: "mountPath" },
    struct("VolumeMount", "A volume in a container.", {
      name: text("Name of a volume of the pod."),
      mountPath: text("Path within the container."),
      readOnly: bool("Mounted read-only."),
      subPath: text("Path within the volume."),
    }),
  ),
  livenessProbe: PROBE,
  readinessProbe: PROBE,
  startupProbe: PROBE,
  lifecycle: anyObject("Actions on lifecycle events."),
  terminationMessagePath: text(
    "File of the termination message. Defaults to /dev/termination-log.",
  ),
  terminationMessagePolicy: text("File or FallbackToLogsOnError. Defaults to File."),
  imagePullPolicy: text("Always, Never or IfNotPresent."),
  restartPolicy: pointer(text("Restart behavior of an init container: Always.")),
  securityContext: anyObject("Security options of the container."),
  stdin: bool("Allocate a buffer for stdin."),
  stdinOnce: bool("Close stdin after the first attach."),
  tty: bool("Allocate a TTY."),
});

const CONTAINERS = { keys: ["name"], mergeKey: "name" };

export const POD_SPEC: Schema = struct("PodSpec", "Desired behavior of the pod.", {
  containers: mapList("Containers of the pod, at least one.", CONTAINERS, CONTAINER),
  initContainers: mapList("Containers that run before the others.", CONTAINERS, CONTAINER),
  ephemeralContainers: mapList("Containers added to debug.", CONTAINERS, CONTAINER),
  volumes: mapList("Volumes containers can mount.", CONTAINERS, {
    ...anyObject("A volume."),
    properties: { name: text("Name of the volume.") },
  }),
  restartPolicy: text("Always, OnFailure or Never. Default is Always."),
  terminationGracePeriodSeconds: pointer(int64("Seconds to terminate gracefully. Defaults to 30.")),
  activeDeadlineSeconds: pointer(int64("Seconds the pod may be active.")),
  dnsPolicy: text("ClusterFirst, ClusterFirstWithHostNet, Default or None."),
  dnsConfig: anyObject("DNS parameters of the pod."),
  nodeSelector: atomicTextMap("Labels a node must have."),
  serviceAccountName: text("ServiceAccount to run this pod as."),
  serviceAccount: text("Deprecated alias of serviceAccountName."),
  automountServiceAccountToken: pointer(bool("Whether a token is mounted.")),
  nodeName: text("Node this pod is scheduled on."),
  hostNetwork: bool("Use the host's network."),
  hostPID: bool("Use the host's process ids."),
  hostIPC: bool("Use the host's IPC."),
  shareProcessNamespace: pointer(bool("Containers share one process namespace.")),
  securityContext: anyObject("Security attributes of the pod."),
  imagePullSecrets: mapList(
    "Secrets to pull images with.",
    CONTAINERS,
    struct("LocalObjectReference", "A Secret.", { name: text("Its name.") }),
  ),
  hostname: text("Hostname of the pod."),
  subdomain: text("Subdomain: <hostname>.<subdomain>.<namespace>.svc.<cluster domain>."),
  setHostnameAsFQDN: pointer(bool("The hostname is the fully qualified name.")),
  affinity: anyObject("Scheduling constraints."),
  schedulerName: text("Scheduler to dispatch this pod."),
  tolerations: atomicList("Tolerations of the pod.", anyObject("A toleration.")),
  hostAliases: mapList(
    "Entries of the hosts file.",
    { keys: ["ip"], mergeKey: "ip" },
    struct("HostAlias", "An entry.", {
      ip: text("IP address."),
      hostnames: atomicList("Names.", text("A name.")),
    }),
  ),
  priorityClassName: text("Priority class of the pod."),
  priority: pointer(int32("Priority of the pod.")),
  preemptionPolicy: pointer(text("Never or PreemptLowerPriority.")),
  readinessGates: atomicList("Conditions to be ready.", anyObject("A gate.")),
  runtimeClassName: pointer(text("Runtime class.")),
  enableServiceLinks: pointer(bool("Put services into environment variables. Defaults to true.")),
  topologySpreadConstraints: atomicList("Spreading rules.", anyObject("A rule.")),
  overhead: anyObject("Resource overhead of the runtime."),
  os: anyObject("OS of the containers."),
  schedulingGates: mapList(
    "What holds scheduling back.",
    CONTAINERS,
    struct("PodSchedulingGate", "A gate.", { name: text("Its name.") }),
  ),
});

const IP = struct("PodIP", "An address.", { ip: text("The address.") });

const CONDITION = struct("PodCondition", "State of one aspect of a pod.", {
  type: text("Type of the condition."),
  status: text("True, False or Unknown."),
  observedGeneration: int64("Generation the condition was set for."),
  lastProbeTime: text("Last time the condition was probed."),
  lastTransitionTime: text("Last time the condition changed."),
  reason: text("Why it changed."),
  message: text("Details."),
});

export const POD_STATUS: Schema = struct("PodStatus", "Most recently observed status.", {
  observedGeneration: int64("Generation the status is about."),
  phase: text("Pending, Running, Succeeded, Failed or Unknown."),
  conditions: mapList("State of the pod.", { keys: ["type"], mergeKey: "type" }, CONDITION),
  message: text("Why the pod is in this condition."),
  reason: text("Short reason."),
  nominatedNodeName: text("Node the pod may run on after preemption."),
  hostIP: text("Address of the host."),
  hostIPs: atomicList("Addresses of the host.", IP),
  podIP: text("Address of the pod; equals podIPs[0]."),
  podIPs: mapList("Addresses of the pod, one a family.", { keys: ["ip"], mergeKey: "ip" }, IP),
  startTime: text("When the kubelet acknowledged the pod."),
  initContainerStatuses: atomicList("Statuses of init containers.", anyObject("A status.")),
  containerStatuses: atomicList("Statuses of containers.", anyObject("A status.")),
  ephemeralContainerStatuses: atomicList("Statuses.", anyObject("A status.")),
  qosClass: text("Quality of service class."),
  resize: text("State of a resize."),
});
