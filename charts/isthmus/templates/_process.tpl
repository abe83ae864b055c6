{{/* One process of ours: the same objects as install/pieces makes. Shared by both charts. */}}

{{- define "isthmus.labels" -}}
app.kubernetes.io/name: {{ . }}
app.kubernetes.io/part-of: isthmus
{{- end }}

{{/* Takes: root, name, replicas, memoryLimit, args, ports, healthPort, volumes, mounts; env; ingress, further rules; stopSeconds; podLabels, further ones. */}}
{{- define "isthmus.process" -}}
{{- $values := .root.Values -}}
{{- $namespace := .root.Release.Namespace -}}
{{- if $values.networkPolicy }}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  namespace: {{ $namespace }}
  name: {{ .name }}
  labels:
    {{- include "isthmus.labels" .name | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      app.kubernetes.io/name: {{ .name }}
  policyTypes: [Ingress]
  ingress:
    {{- if .ports }}
    - ports:
        {{- range .ports }}
        - port: {{ .port }}
          protocol: {{ .protocol }}
        {{- end }}
    {{- end }}
    - from:
        - namespaceSelector: {}
      ports:
        - port: {{ .healthPort }}
          protocol: TCP
    {{- range .ingress }}
    - {{ toRawJson . }}
    {{- end }}
---
{{- end }}
apiVersion: apps/v1
kind: Deployment
metadata:
  namespace: {{ $namespace }}
  name: {{ .name }}
  labels:
    {{- include "isthmus.labels" .name | nindent 4 }}
spec:
  replicas: {{ .replicas }}
  selector:
    matchLabels:
      app.kubernetes.io/name: {{ .name }}
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxSurge: 1
      maxUnavailable: 0
  template:
    metadata:
      labels:
        {{- include "isthmus.labels" .name | nindent 8 }}
        {{- range $label, $value := .podLabels }}
        {{ $label }}: {{ $value | quote }}
        {{- end }}
    spec:
      serviceAccountName: {{ .name }}
      {{- with .stopSeconds }}
      terminationGracePeriodSeconds: {{ . }}
      {{- end }}
      securityContext:
        runAsNonRoot: true
        runAsUser: 65532
        runAsGroup: 65532
        fsGroup: 65532
        seccompProfile:
          type: RuntimeDefault
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              app.kubernetes.io/name: {{ .name }}
      containers:
        - name: isthmus
          image: {{ $values.image | quote }}
          imagePullPolicy: {{ $values.imagePullPolicy }}
          args: {{ toRawJson .args }}
          {{- with .env }}
          env: {{ toRawJson . }}
          {{- end }}
          ports:
            {{- range .ports }}
            - name: {{ .name }}
              containerPort: {{ .port }}
              protocol: {{ .protocol }}
            {{- end }}
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
              drop: [ALL]
          volumeMounts: {{ toRawJson .mounts }}
      volumes: {{ toRawJson .volumes }}
{{- if gt (int .replicas) 1 }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  namespace: {{ $namespace }}
  name: {{ .name }}
  labels:
    {{- include "isthmus.labels" .name | nindent 4 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels:
      app.kubernetes.io/name: {{ .name }}
{{- end }}
{{- end }}

{{/* The shipped roles and policies, in the release's namespace, which is helm's to make. Takes: root, writers. */}}
{{- define "isthmus.policy" -}}
{{- $writers := list (printf "system:serviceaccount:%s:isthmus-controllers" .root.Release.Namespace) -}}
{{- $quoted := list -}}
{{- range concat $writers .writers }}{{- $quoted = append $quoted (toRawJson .) }}{{- end }}
{{- $expression := toRawJson (printf "[%s]" (join ", " $quoted)) -}}
{{- $shipped := "\"['system:serviceaccount:isthmus-system:isthmus-controllers']\"" -}}
{{- $namespace := .root.Release.Namespace -}}
{{- range $path, $_ := .root.Files.Glob "policy/*.yaml" }}
{{- range $document := splitList "\n---\n" ($.root.Files.Get $path) }}
{{- if not (regexMatch "(?m)^kind: Namespace$" $document) }}
---
{{ $document | replace $shipped $expression | replace "isthmus-system" $namespace }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
