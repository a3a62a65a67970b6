/** Statements about the server, its databases and its subscriptions: most of them refuse a transaction. */
import type { AlterSubscriptionStmt, CreateSubscriptionStmt, Node } from "libpg-query";
import { type Effect, isOn, option } from "./effect.js";

/** CreateSubscription in PostgreSQL's subscriptioncmds.c: only making the slot at the publisher is in the way. */
export function createSubscription({ options }: CreateSubscriptionStmt, effect: Effect): void {
  const connects = isOn(options, "connect", true);
  if (isOn(options, "create_slot", connects))
    effect.refuseTransaction("CREATE SUBSCRIPTION ... WITH (create_slot = true)");
}

/** AlterSubscription, in the same file. */
export function alterSubscription({ kind, options }: AlterSubscriptionStmt, effect: Effect): void {
  switch (kind) {
    case "ALTER_SUBSCRIPTION_SET_PUBLICATION":
    case "ALTER_SUBSCRIPTION_ADD_PUBLICATION":
    case "ALTER_SUBSCRIPTION_DROP_PUBLICATION":
      if (isOn(options, "refresh", true)) effect.refuseTransaction("ALTER SUBSCRIPTION with refresh");
      return;
    case "ALTER_SUBSCRIPTION_REFRESH":
      effect.refuseTransaction("ALTER SUBSCRIPTION ... REFRESH");
      return;
    case "ALTER_SUBSCRIPTION_OPTIONS":
      for (const name of ["failover", "two_phase"]) {
        if (option(options, name) !== undefined)
          effect.refuseTransaction(`ALTER SUBSCRIPTION ... SET (${name})`);
      }
      return;
    default:
  }
}

export function alterDatabase(options: readonly Node[] | undefined, effect: Effect): void {
  if (option(options, "tablespace") !== undefined) effect.refuseTransaction("ALTER DATABASE SET TABLESPACE");
}
