import { isIP } from "node:net";
import { err, ok, type Result } from "../../../api/result.ts";

const SHAPE = /^(?:\[(?<v6>[0-9a-fA-F:.]+)\]|(?<name>[^\s:/[\]]+)):(?<port>[0-9]{1,5})$/;
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/i;

/** `name:port`, `192.0.2.1:port` or `[2001:db8::1]:port`. */
export function parseBrokerAddress(
  text: string,
): Result<{ readonly host: string; readonly port: number }, string> {
  const groups = SHAPE.exec(text)?.groups;
  const host = groups?.["v6"] ?? groups?.["name"];
  const port = Number(groups?.["port"]);
  const isHost =
    groups?.["v6"] === undefined
      ? host !== undefined && (isIP(host) === 4 || HOST_NAME.test(host))
      : isIP(groups["v6"]) === 6;
  if (host === undefined || !isHost || port < 1 || port > 65_535) {
    return err(
      `cannot parse broker address: must be host:port with a port of 1 to 65535: got ${JSON.stringify(text.slice(0, 300))}`,
    );
  }
  return ok({ host, port });
}
