import {
  anyObject,
  atomicList,
  atomicStruct,
  bool,
  int64,
  mapList,
  pointer,
  setList,
  struct,
  text,
  textMap,
  time,
} from "./build-schema.ts";
import type { Schema } from "./schema.ts";

const OWNER_REFERENCE = atomicStruct(
  "OwnerReference",
  "OwnerReference identifies an owning object in the same namespace, or a cluster-scoped one.",
  {
    apiVersion: text("API version of the referent."),
    kind: text("Kind of the referent."),
    name: text("Name of the referent."),
    uid: text("UID of the referent."),
    controller: pointer(bool("If true, this reference points to the managing controller.")),
    blockOwnerDeletion: pointer(
      bool("If true, an owner deleted in foreground cannot go before this reference is removed."),
    ),
  },
);

const MANAGED_FIELDS = struct(
  "ManagedFieldsEntry",
  "ManagedFieldsEntry records which fields one workflow owns.",
  {
    manager: text("Name of the workflow managing these fields."),
    operation: text("Apply or Update."),
    apiVersion: text("Version of the resource that this field set applies to."),
    time: time("When the manager last added or changed a field."),
    fieldsType: text("Always FieldsV1."),
    fieldsV1: anyObject("The field set in the format FieldsV1."),
    subresource: text("Subresource used to update the object, empty for the main resource."),
  },
);

/** metadata of every object, also of custom resources whatever their own schema says. */
export const OBJECT_META: Schema = struct(
  "ObjectMeta",
  "Standard object's metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata",
  {
    name: text(
      "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names",
    ),
    generateName: text("Prefix the server makes a unique name from when no name is given."),
    namespace: text("Space within which the name must be unique. Cannot be updated."),
    selfLink: text("Deprecated: no longer populated by the system."),
    uid: text(
      "Unique in time and space value for this object. Populated by the system. Read-only.",
    ),
    resourceVersion: text("Internal version that changes with every change. Opaque to clients."),
    generation: int64("Sequence number of a specific generation of the desired state. Read-only."),
    creationTimestamp: time(
      "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata",
    ),
    deletionTimestamp: time("When the object was asked to be deleted. Read-only."),
    deletionGracePeriodSeconds: pointer(
      int64("Seconds the object has to terminate before it is removed. Read-only."),
    ),
    labels: textMap("Keys and values to organize and select objects with."),
    annotations: textMap("Unstructured keys and values set by tools. Not queryable."),
    ownerReferences: mapList(
      "Objects depended on by this object: when all are deleted, it is garbage collected.",
      { keys: ["uid"], mergeKey: "uid" },
      OWNER_REFERENCE,
    ),
    finalizers: setList("Must be empty before the object is removed.", text("A finalizer.")),
    managedFields: atomicList("Which workflow manages which fields.", MANAGED_FIELDS),
  },
);

export const API_VERSION: Schema = text(
  "APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources",
);

export const KIND: Schema = text(
  "Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds",
);
