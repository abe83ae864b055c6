/** `--name=a,b`; nothing for a list of nothing. */
export function listFlag(name: string, values: readonly string[]): readonly string[] {
  return values.length === 0 ? [] : [`--${name}=${values.join(",")}`];
}

/** `--name=value`; nothing where there is no value. */
export function flagOf(name: string, value: string | undefined): readonly string[] {
  return value === undefined ? [] : [`--${name}=${value}`];
}
