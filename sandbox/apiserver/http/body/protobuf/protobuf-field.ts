/** How a field of a Kubernetes message reads as JSON. */
export type FieldType =
  | "string"
  | "integer"
  | "boolean"
  /** Bytes, base64 in JSON. */
  | "bytes"
  /** metav1.Time. */
  | "time"
  /** metav1.MicroTime. */
  | "microtime"
  /** intstr.IntOrString. */
  | "int-or-string"
  /** resource.Quantity, a text in JSON. */
  | "quantity"
  | { readonly message: string }
  /** A message whose fields stand beside the others in JSON: an embedded struct of Go. */
  | { readonly inline: string }
  /** A list, or a map from strings. */
  | { readonly list: FieldType }
  | { readonly map: FieldType };

type Message = Readonly<Record<number, readonly [name: string, type: FieldType]>>;

/** By kind, or by the name of a message that stands inside others. */
export type Messages = Readonly<Record<string, Message>>;

export const TEXTS: FieldType = { list: "string" };
export const TEXT_MAP: FieldType = { map: "string" };
