import { type Check, notTested, right, wrong } from "../finding.ts";

/** Do the controllers themselves say that something stands in their way? */
export const checkReadiness: Check = ({ controllers }) => {
  if (!controllers.ok) return notTested(controllers.error);
  const { value } = controllers;
  if (value === undefined || value.status.state === "stopped")
    return notTested("no controllers run");
  const { problem } = value.status;
  if (problem !== undefined) {
    return wrong(`the controllers are not ready: ${problem}`, "mend what they say, or wait for it");
  }
  return right("the controllers are ready");
};
