/** One line for `ip -batch`, of no or one family, `bridge -batch` or `tc -batch`. */
export interface KernelCommand {
  readonly tool: "ip" | "ip-4" | "ip-6" | "bridge" | "tc";
  readonly line: string;
}

/** About something of no family. */
export function ip(line: string): KernelCommand {
  return { tool: "ip", line };
}

/** About an address or network of this text. */
export function ipFor(address: string, line: string): KernelCommand {
  return { tool: address.includes(":") ? "ip-6" : "ip-4", line };
}

export function bridge(line: string): KernelCommand {
  return { tool: "bridge", line };
}

export function tc(line: string): KernelCommand {
  return { tool: "tc", line };
}
