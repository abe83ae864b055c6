{{/* A process that programs the kernels of nodes: the same object as install/pieces/node-process.ts makes. */}}

{{/* Value or, where it is not given, whether a backend is used. Takes: root, value, backend. Gives "true" or "". */}}
{{- define "isthmus.runs" -}}
{{- if kindIs "invalid" .value }}{{ if has .backend .root.Values.backends }}true{{ end }}
{{- else if .value }}true{{ end }}
{{- end }}

{{- define "isthmus.nodeMounts" -}}
- name: state
  mountPath: /run/isthmus
- name: settings
  mountPath: /host/proc/sys/net
{{- end }}

{{- define "isthmus.nodeVariables" -}}
- name: NODE_NAME
  valueFrom:
    fieldRef:
      fieldPath: spec.nodeName
- name: HOST_IP
  valueFrom:
    fieldRef:
      fieldPath: status.hostIP
{{- end }}

{{/* Takes: root, name, verb, healthPort, memoryLimit, nodes (rules of node affinity), cleanup (verbs), more (arguments). */}}
{{- define "isthmus.nodeProcess" -}}
{{- $values := .root.Values -}}
apiVersion: apps/v1
kind: DaemonSet
metadata:
  namespace: {{ .root.Release.Namespace }}
  name: {{ .name }}
  labels:
    {{- include "isthmus.labels" .name | nindent 4 }}
spec:
  selector:
    matchLabels:
      app.kubernetes.io/name: {{ .name }}
  updateStrategy:
    type: RollingUpdate
    rollingUpdate:
      maxUnavailable: 1
  template:
    metadata:
      labels:
        {{- include "isthmus.labels" .name | nindent 8 }}
    spec:
      serviceAccountName: {{ .name }}
      hostNetwork: true
      priorityClassName: system-node-critical
      tolerations:
        - operator: Exists
      {{- with .nodes }}
      affinity:
        nodeAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
            nodeSelectorTerms:
              - matchExpressions: {{ toRawJson . }}
      {{- end }}
      {{- if $values.cleanNodes }}
      terminationGracePeriodSeconds: 1
      {{- end }}
      securityContext:
        runAsUser: 0
        runAsGroup: 0
        seccompProfile:
          type: RuntimeDefault
      {{- if $values.cleanNodes }}
      initContainers:
        {{- range $index, $verb := .cleanup }}
        - name: clean-{{ $index }}
          image: {{ $values.netImage | quote }}
          imagePullPolicy: {{ $values.imagePullPolicy }}
          args: {{ toRawJson (list $verb "--cleanup" "--node=$(NODE_NAME)" "--state-dir=/run/isthmus" "--proc-sys=/host/proc/sys") }}
          env:
            {{- include "isthmus.nodeVariables" nil | nindent 12 }}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              add: [NET_ADMIN]
              drop: [ALL]
          volumeMounts:
            {{- include "isthmus.nodeMounts" nil | nindent 12 }}
        {{- end }}
      containers:
        - name: isthmus
          image: {{ $values.netImage | quote }}
          imagePullPolicy: {{ $values.imagePullPolicy }}
          command: [sleep, infinity]
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop: [ALL]
      {{- else }}
      containers:
        - name: isthmus
          image: {{ $values.netImage | quote }}
          imagePullPolicy: {{ $values.imagePullPolicy }}
          args: {{ toRawJson (concat (list .verb "--node=$(NODE_NAME)" "--state-dir=/run/isthmus" "--proc-sys=/host/proc/sys" (printf "--health-listen=[$(HOST_IP)]:%d" .healthPort) (printf "--log-level=%s" $values.logLevel)) (.more | default list)) }}
          env:
            {{- include "isthmus.nodeVariables" nil | nindent 12 }}
          ports:
            - name: health
              containerPort: {{ .healthPort }}
              protocol: TCP
          startupProbe:
            httpGet:
              path: /livez
              port: health
            periodSeconds: 2
            timeoutSeconds: 5
            failureThreshold: 60
          livenessProbe:
            httpGet:
              path: /livez
              port: health
            periodSeconds: 10
            timeoutSeconds: 5
          readinessProbe:
            httpGet:
              path: /readyz
              port: health
            periodSeconds: 5
            timeoutSeconds: 5
          resources:
            requests:
              cpu: 50m
              memory: 128Mi
            limits:
              memory: {{ .memoryLimit }}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              add: [NET_ADMIN]
              drop: [ALL]
          volumeMounts:
            {{- include "isthmus.nodeMounts" nil | nindent 12 }}
      {{- end }}
      volumes:
        - name: state
          hostPath:
            path: /run/isthmus
            type: DirectoryOrCreate
        - name: settings
          hostPath:
            path: /proc/sys/net
            type: Directory
{{- end }}
