/** The deploy of many databases, each on its own. */
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
  const outcomes: DatabaseDeploy[] = [];
  const held = await withWorkers(orders.entries(), jobs, orders.length, async ([index, order]) => {
    const outcome = await orFailure({ ...order, terms: { ...order.terms, patience: 0 } });
    if (outcome.error?.code === "DEPLOY_LOCKED") return [index, order] as const;
    outcomes[index] = outcome;
    return null;
  });
  await withWorkers(held.values(), jobs, held.length, async ([index, order]) => {
    outcomes[index] = await orFailure(order);
    return null;
  });
  return outcomes;
}

/** @returns what the work handed back, but for null */
async function withWorkers<T, R>(
  queue: Iterator<T>,
  jobs: number,
  most: number,
  work: (item: T) => Promise<R | null>,
): Promise<R[]> {
  const left: R[] = [];
  const worker = async () => {
    for (let next = queue.next(); !next.done; next = queue.next()) {
      const result = await work(next.value);
      if (result !== null) left.push(result);
    }
  };
  const count = Math.min(jobs, most);
  await Promise.all(Array.from({ length: count }, worker));
  return left;
}

async function orFailure(order: DeployOrder): Promise<DatabaseDeploy> {
  try {
    return await deployOne(order);
  } catch (error) {
    if (!(error instanceof WovError)) throw error;
    return failed(order, error);
  }
}

function failed({ database, stage, settings }: DeployOrder, error: WovError): DatabaseDeploy {
  const { code, message, where = null, hint = null, exitStatus } = error;
  return {
    database: database.name,
    stage,
    target: describeConnection(settings),
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
