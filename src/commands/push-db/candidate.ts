import type { ArchivingPlan } from "../../archive/plan.js";
import type { DatabaseState, LiveDatabase } from "../database-state.js";

/** What is to be archived of one database. */
export interface Candidate {
  readonly state: DatabaseState;
  readonly live: LiveDatabase;
  readonly plan: ArchivingPlan;
}
