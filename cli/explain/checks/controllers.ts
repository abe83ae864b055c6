import { type Check, notTested, right, wrong } from "../finding.ts";

/** Do this cluster's controllers run? Without them everything stands as it was. */
export const checkControllers: Check = ({ controllers, systemNamespace }) => {
  if (!controllers.ok) return notTested(controllers.error);
  const mend = `start "isthmus controllers" (kubectl -n ${systemNamespace} rollout status deployment/isthmus-controllers), and look at its log`;
  if (controllers.value === undefined) {
    return wrong(
      `no controllers have ever said that they run here: there is no Lease ${systemNamespace}/isthmus-member`,
      mend,
    );
  }
  const { status, secondsAgo, durationSeconds } = controllers.value;
  const why = status.problem === undefined ? "" : `: ${status.problem}`;
  if (status.state === "stopped") return wrong(`they stopped ${secondsAgo} s ago${why}`, mend);
  if (secondsAgo > durationSeconds) {
    return wrong(`they have said nothing for ${secondsAgo} s, and do so every 10 s${why}`, mend);
  }
  return right(`running, heard ${secondsAgo} s ago`);
};
