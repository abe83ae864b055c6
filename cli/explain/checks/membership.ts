import { type Check, notTested, right, wrong } from "../finding.ts";

/** Is this cluster a member at all? (CID-01) */
export const checkMembership: Check = ({ membership }) => {
  if (!membership.ok) return notTested(membership.error);
  const { clusterId, clusterset } = membership.value;
  if (clusterId === undefined || clusterset === undefined) {
    return wrong(
      "this cluster is no member of a clusterset: no ClusterProperty says which",
      'run "isthmus install member --cluster-id ID isthmus-join.… --apply" here, with a line that the hub printed',
    );
  }
  return right(`${clusterId}, member of clusterset ${clusterset}`);
};
