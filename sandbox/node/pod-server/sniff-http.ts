const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"].map(
  (method) => `${method} `,
);

/** Does a client that opened with these bytes speak HTTP/1? "undecided" while they are only the start of a method. */
export function sniffHttp(bytes: Uint8Array): "http" | "other" | "undecided" {
  const start = Buffer.from(bytes.subarray(0, 8)).toString("latin1");
  if (METHODS.some((method) => start.startsWith(method))) return "http";
  return METHODS.some((method) => method.startsWith(start)) ? "undecided" : "other";
}
