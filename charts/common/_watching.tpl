{{/* What tells a Prometheus and a Grafana of a part: the same objects as install/observability/watching.ts makes. Takes: root, part, processes. */}}
{{- define "isthmus.watching" -}}
{{- $values := .root.Values -}}
{{- $name := printf "isthmus-%s" .part -}}
{{- if $values.monitors }}
---
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata:
  namespace: {{ .root.Release.Namespace }}
  name: {{ $name }}
  labels:
    {{- include "isthmus.labels" $name | nindent 4 }}
spec:
  selector:
    matchExpressions:
      - key: app.kubernetes.io/name
        operator: In
        values: {{ toRawJson .processes }}
  podMetricsEndpoints:
    - port: health
      path: /metrics
{{- end }}
{{- if $values.alerts }}
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  namespace: {{ .root.Release.Namespace }}
  name: {{ $name }}
  labels:
    {{- include "isthmus.labels" $name | nindent 4 }}
spec:
  {{- .root.Files.Get (printf "observability/alerts-%s.yaml" .part) | nindent 2 }}
{{- end }}
{{- if $values.dashboards }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  namespace: {{ .root.Release.Namespace }}
  name: {{ $name }}-dashboard
  labels:
    {{- include "isthmus.labels" $name | nindent 4 }}
    grafana_dashboard: "1"
data:
  {{ $name }}.json: {{ .root.Files.Get (printf "observability/dashboards/%s.json" $name) | toRawJson }}
{{- end }}
{{- end }}
