{{/* Custom resource definitions by version rule VER-07, which helm has no word for: it adds what is missing and never looks again. */}}

{{- define "isthmus.crdsHook" -}}
metadata:
  name: {{ .name }}
  {{- if .namespace }}
  namespace: {{ .namespace }}
  {{- end }}
  labels:
    {{- include "isthmus.labels" .name | nindent 4 }}
  annotations:
    helm.sh/hook: pre-install,pre-upgrade
    helm.sh/hook-weight: {{ .weight | quote }}
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}

{{/* Takes: root, flags. */}}
{{- define "isthmus.crds" -}}
{{- $namespace := .root.Release.Namespace -}}
{{- $name := printf "%s-crds" .root.Chart.Name -}}
{{- if .root.Values.upgradeCrds }}
{{- $names := list }}
{{- $kinds := dict }}
{{- range $path, $_ := .root.Files.Glob "crds/*.yaml" }}
{{- $definition := $.root.Files.Get $path | fromYaml }}
{{- $names = append $names $definition.metadata.name }}
{{- $group := $definition.spec.group }}
{{- $_ := set $kinds $group (append (get $kinds $group | default list) $definition.spec.names.plural) }}
{{- end }}
apiVersion: v1
kind: ServiceAccount
{{ include "isthmus.crdsHook" (dict "name" $name "namespace" $namespace "weight" -10) }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
{{ include "isthmus.crdsHook" (dict "name" $name "weight" -10) }}
rules:
  # A name that is not there yet cannot be granted.
  - apiGroups: [apiextensions.k8s.io]
    resources: [customresourcedefinitions]
    verbs: [create]
  - apiGroups: [apiextensions.k8s.io]
    resources: [customresourcedefinitions]
    resourceNames: {{ toRawJson $names }}
    verbs: [get, update]
  # Objects stored in an old version are written anew (VER-06).
  - apiGroups: [apiextensions.k8s.io]
    resources: [customresourcedefinitions/status]
    resourceNames: {{ toRawJson $names }}
    verbs: [update]
  {{- range $group, $plurals := $kinds }}
  - apiGroups: [{{ $group }}]
    resources: {{ toRawJson $plurals }}
    verbs: [get, list, update]
  {{- end }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
{{ include "isthmus.crdsHook" (dict "name" $name "weight" -10) }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: {{ $name }}
subjects:
  - kind: ServiceAccount
    namespace: {{ $namespace }}
    name: {{ $name }}
---
apiVersion: batch/v1
kind: Job
{{ include "isthmus.crdsHook" (dict "name" $name "namespace" $namespace "weight" -5) }}
spec:
  backoffLimit: 4
  activeDeadlineSeconds: 300
  template:
    metadata:
      labels:
        {{- include "isthmus.labels" $name | nindent 8 }}
    spec:
      serviceAccountName: {{ $name }}
      restartPolicy: Never
      securityContext:
        runAsNonRoot: true
        runAsUser: 65532
        runAsGroup: 65532
        seccompProfile:
          type: RuntimeDefault
      containers:
        - name: isthmus
          image: {{ .root.Values.image | quote }}
          imagePullPolicy: {{ .root.Values.imagePullPolicy }}
          args: {{ toRawJson (concat (list "crds" "--apply" "--no-ensure-namespace") .flags) }}
          # Without a share of its own it gets next to none of a busy node's CPU, and requests end at their deadline.
          resources:
            requests:
              cpu: 50m
              memory: 128Mi
            limits:
              memory: 512Mi
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop: [ALL]
{{- end }}
{{- end }}
