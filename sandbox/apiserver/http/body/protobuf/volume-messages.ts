import { type Messages, TEXT_MAP } from "./protobuf-field.ts";

/** Volumes of pods, but for the kinds of volume that belong to one provider; from the generated.proto files of k8s.io/api 0.36. */
export const VOLUME_MESSAGES: Messages = {
  Volume: {
    1: ["name", "string"],
    2: ["volumeSource", { inline: "VolumeSource" }],
  },
  VolumeSource: {
    1: ["hostPath", { message: "HostPathVolumeSource" }],
    2: ["emptyDir", { message: "EmptyDirVolumeSource" }],
    6: ["secret", { message: "SecretVolumeSource" }],
    7: ["nfs", { message: "NFSVolumeSource" }],
    10: ["persistentVolumeClaim", { message: "PersistentVolumeClaimVolumeSource" }],
    16: ["downwardAPI", { message: "DownwardAPIVolumeSource" }],
    19: ["configMap", { message: "ConfigMapVolumeSource" }],
    26: ["projected", { message: "ProjectedVolumeSource" }],
    28: ["csi", { message: "CSIVolumeSource" }],
    30: ["image", { message: "ImageVolumeSource" }],
  },
  HostPathVolumeSource: {
    1: ["path", "string"],
    2: ["type", "string"],
  },
  EmptyDirVolumeSource: {
    1: ["medium", "string"],
    2: ["sizeLimit", "quantity"],
  },
  SecretVolumeSource: {
    1: ["secretName", "string"],
    2: ["items", { list: { message: "KeyToPath" } }],
    3: ["defaultMode", "integer"],
    4: ["optional", "boolean"],
  },
  NFSVolumeSource: {
    1: ["server", "string"],
    2: ["path", "string"],
    3: ["readOnly", "boolean"],
  },
  PersistentVolumeClaimVolumeSource: {
    1: ["claimName", "string"],
    2: ["readOnly", "boolean"],
  },
  DownwardAPIVolumeSource: {
    1: ["items", { list: { message: "DownwardAPIVolumeFile" } }],
    2: ["defaultMode", "integer"],
  },
  ConfigMapVolumeSource: {
    1: ["localObjectReference", { inline: "LocalObjectReference" }],
    2: ["items", { list: { message: "KeyToPath" } }],
    3: ["defaultMode", "integer"],
    4: ["optional", "boolean"],
  },
  ProjectedVolumeSource: {
    1: ["sources", { list: { message: "VolumeProjection" } }],
    2: ["defaultMode", "integer"],
  },
  CSIVolumeSource: {
    1: ["driver", "string"],
    2: ["readOnly", "boolean"],
    3: ["fsType", "string"],
    4: ["volumeAttributes", TEXT_MAP],
    5: ["nodePublishSecretRef", { message: "LocalObjectReference" }],
  },
  ImageVolumeSource: {
    1: ["reference", "string"],
    2: ["pullPolicy", "string"],
  },
  KeyToPath: {
    1: ["key", "string"],
    2: ["path", "string"],
    3: ["mode", "integer"],
  },
  DownwardAPIVolumeFile: {
    1: ["path", "string"],
    2: ["fieldRef", { message: "ObjectFieldSelector" }],
    3: ["resourceFieldRef", { message: "ResourceFieldSelector" }],
    4: ["mode", "integer"],
  },
  VolumeProjection: {
    1: ["secret", { message: "SecretProjection" }],
    2: ["downwardAPI", { message: "DownwardAPIProjection" }],
    3: ["configMap", { message: "ConfigMapProjection" }],
    4: ["serviceAccountToken", { message: "ServiceAccountTokenProjection" }],
  },
  SecretProjection: {
    1: ["localObjectReference", { inline: "LocalObjectReference" }],
    2: ["items", { list: { message: "KeyToPath" } }],
    4: ["optional", "boolean"],
  },
  DownwardAPIProjection: {
    1: ["items", { list: { message: "DownwardAPIVolumeFile" } }],
  },
  ConfigMapProjection: {
    1: ["localObjectReference", { inline: "LocalObjectReference" }],
    2: ["items", { list: { message: "KeyToPath" } }],
    4: ["optional", "boolean"],
  },
  ServiceAccountTokenProjection: {
    1: ["audience", "string"],
    2: ["expirationSeconds", "integer"],
    3: ["path", "string"],
  },
};
