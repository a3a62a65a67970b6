/** The deploy of many databases, each on its own. */
import { atOnce } from "../../at-once.js";
import { WovError } from "../../errors.js";
import { describeConnection } from "../../postgres/connection.js";
import type { DatabaseDeploy } from "../results.js";
import { deployOne } from "./one.js";
import type { DeployOrder } from "./order.js";

/**
 * Deploys several databases, some at once. One that another process holds is left for later, so that several
 * machines which run the same command share the work: each takes what nobody holds, and looks at the others' when
 * it has nothing else to do. A failure is part of the result and stops no other database.
 *
 * @param jobs how many at once
 */
export async function deployFleet(orders: readonly DeployOrder[], jobs: number): Promise<DatabaseDeploy[]> {
  const first = await atOnce(orders, jobs, async (order) => {
    const outcome = await orFailure({ ...order, terms: { ...order.terms, patience: 0 } });
    return outcome.error?.code === "DEPLOY_LOCKED" ? null : outcome;
  });
  const held = orders.filter((_, index) => first[index] === null);
  const later = await atOnce(held, jobs, orFailure);
  return first.flatMap((outcome) => outcome ?? later.splice(0, 1));
}

async function orFailure(order: DeployOrder): Promise<DatabaseDeploy> {
  try {
    return await deployOne(order);
  } catch (error) {
    if (!(error instanceof WovError)) throw error;
    const { database, stage, settings } = order;
    return failedDeploy({ database: database.name, stage, target: describeConnection(settings) }, error);
  }
}

/** What a failure is in the result of a deploy of several databases. */
export function failedDeploy(
  which: Pick<DatabaseDeploy, "database" | "stage" | "target">,
  error: WovError,
): DatabaseDeploy {
  const { code, message, where = null, hint = null, exitStatus } = error;
  return {
    ...which,
    outcome: "failed",
    from: null,
    to: null,
    plan: null,
    versions: [],
    transactions: 0,
    statements: [],
    objects: [],
    rehearsed: false,
    recovered: false,
    seconds: 0,
    notes: [],
    error: { code, message, where, hint, exitStatus },
  };
}
