import { type Check, notTested, right, wrong } from "../finding.ts";

/** Is this cluster heard by the hub? */
export const checkBroker: Check = ({ controllers, membership }) => {
  if (!controllers.ok) return notTested(controllers.error);
  const broker = controllers.value?.status.broker;
  if (broker === undefined) return notTested("no controllers say whether they are connected");
  const why = broker.reason === undefined ? "" : `: ${broker.reason}`;
  if (broker.state === "rejected") {
    const id = (membership.ok ? membership.value.clusterId : undefined) ?? "CLUSTER";
    return wrong(
      `the broker refuses this cluster${why}`,
      `if it is to be a member again: "isthmus token create --cluster ${id}" at the hub, and "isthmus join" here`,
    );
  }
  if (broker.state === "connecting") {
    return wrong(
      `not connected to the broker${why}; what is known of other clusters stays as it is meanwhile`,
      "look whether the broker runs (isthmus members, at the hub), and whether its address can be dialled from here",
    );
  }
  return right("connected");
};
