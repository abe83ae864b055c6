/** The name rules of Kubernetes: each returns what is wrong, in the words of the real server; an empty list is fine. */
export type NameRule = (text: string) => readonly string[];

const LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const LABEL_VALUE = `(${QUALIFIED})?`;

const LABEL_BYTES_MAX = 63;
const SUBDOMAIN_BYTES_MAX = 253;

const LABEL_TEXT = `a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '${LABEL}')`;
const LABEL_1035_TEXT = `a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '${LABEL_1035}')`;
const SUBDOMAIN_TEXT = `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${SUBDOMAIN}')`;
const QUALIFIED_TEXT = `must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${QUALIFIED}')`;
const LABEL_VALUE_TEXT = `a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '${LABEL_VALUE}')`;

export const dnsLabel: NameRule = rule(LABEL, LABEL_TEXT, LABEL_BYTES_MAX);
export const dnsLabel1035: NameRule = rule(LABEL_1035, LABEL_1035_TEXT, LABEL_BYTES_MAX);
export const dnsSubdomain: NameRule = rule(SUBDOMAIN, SUBDOMAIN_TEXT, SUBDOMAIN_BYTES_MAX);
export const labelValue: NameRule = rule(LABEL_VALUE, LABEL_VALUE_TEXT, LABEL_BYTES_MAX);

/** Names of roles and their bindings: whatever can stand in a path. */
export const pathSegment: NameRule = (text) => {
  if (text === "." || text === "..") return [`may not be '${text}'`];
  return ["/", "%"]
    .filter((part) => text.includes(part))
    .map((part) => `may not contain '${part}'`);
};

/** `[prefix/]name`: keys of labels and annotations, finalizers. */
export const qualifiedName: NameRule = (text) => {
  const [first = "", second, ...more] = text.split("/");
  if (more.length > 0) {
    return [
      `a qualified name ${QUALIFIED_TEXT} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  if (second === undefined) return namePart(first);
  const prefix =
    first === ""
      ? ["prefix part must be non-empty"]
      : dnsSubdomain(first).map((problem) => `prefix part ${problem}`);
  return [...prefix, ...namePart(second)];
};

/** Names of container and endpoint ports that a Service can refer to (RFC 6335). */
export const portName: NameRule = (text) => {
  const problems: string[] = [];
  if (text.length > 15) problems.push("must be no more than 15 characters");
  if (!/^[-a-z0-9]+$/.test(text)) {
    problems.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  }
  if (!/[a-z]/.test(text)) problems.push("must contain at least one letter (a-z)");
  if (text.includes("--")) problems.push("must not contain consecutive hyphens");
  if (text.startsWith("-") || text.endsWith("-")) {
    problems.push("must not begin or end with a hyphen");
  }
  return problems;
};

/** Keys of ConfigMaps and Secrets. */
export const configKey: NameRule = (text) => {
  const problems: string[] = [];
  if (text.length > SUBDOMAIN_BYTES_MAX) problems.push(tooLongText(SUBDOMAIN_BYTES_MAX));
  if (!/^[-._a-zA-Z0-9]+$/.test(text)) {
    problems.push(
      "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
    );
  }
  if (text === ".") problems.push("must not be '.'");
  if (text === "..") problems.push("must not be '..'");
  else if (text.startsWith("..")) problems.push("must not start with '..'");
  return problems;
};

export const portNumber = (value: number): readonly string[] =>
  value >= 1 && value <= 65_535 ? [] : ["must be between 1 and 65535, inclusive"];

function namePart(name: string): readonly string[] {
  if (name === "") return ["name part must be non-empty", `name part ${QUALIFIED_TEXT}`];
  return rule(
    QUALIFIED,
    QUALIFIED_TEXT,
    LABEL_BYTES_MAX,
  )(name).map((problem) => `name part ${problem}`);
}

function rule(pattern: string, text: string, bytesMax: number): NameRule {
  const anchored = new RegExp(`^${pattern}$`);
  return (value) => [
    ...(value.length > bytesMax ? [tooLongText(bytesMax)] : []),
    ...(anchored.test(value) ? [] : [text]),
  ];
}

function tooLongText(bytesMax: number): string {
  return `must be no more than ${bytesMax} bytes`;
}
