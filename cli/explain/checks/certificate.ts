import { type Check, notTested, right, wrong } from "../finding.ts";

/** Is the certificate good by which the hub knows this cluster? */
export const checkCertificate: Check = ({ controllers, membership, nowMs }) => {
  if (!controllers.ok) return notTested(controllers.error);
  if (controllers.value === undefined) return notTested("no controllers have said anything here");
  const { certificateExpiresAt: until, problem = "" } = controllers.value.status;
  const id = (membership.ok ? membership.value.clusterId : undefined) ?? "CLUSTER";
  const mend = `run "isthmus token create --cluster ${id} --replace" at the hub, and "isthmus join" here with that token`;
  if (/certificate .*expired/.test(problem)) return wrong(problem, mend);
  if (until === undefined) return notTested("the controllers do not say until when it is good");
  if (Date.parse(until) <= nowMs)
    return wrong(`this member's certificate expired at ${until}`, mend);
  return right(`good until ${until}`);
};
