/**
 * The five states that decide whether anything blocks a push, and what to tell about each. Pure.
 */

/** The five states of a database and its project. */
export interface States {
  /**
   * 1: the schema is not the archived one of this PVER, or, where this PVER is not archived yet, of the version
   * that the database is at.
   */
  readonly schemaDiffers: boolean;
  /** 2: there are pending deltas. */
  readonly pendingDeltas: boolean;
  /** 3: the repository has uncommitted changes, the archive and the pending deltas aside. */
  readonly uncommittedChanges: boolean;
  /** 4: this PVER has archived deltas, so that another archiving makes a revision of it. */
  readonly pverArchived: boolean;
  /** 5: the archive has uncommitted changes. */
  readonly archiveUncommitted: boolean;
}

export const BLOCKER_STATES = [
  "schemaDiffers",
  "pendingDeltas",
  "uncommittedChanges",
  "archiveUncommitted",
] as const;
export type BlockerState = (typeof BLOCKER_STATES)[number];

/** What blocks beside the states that always do; `uncommittedBlocks` is about state 3, the uncommitted changes. */
export interface BlockPolicy {
  readonly uncommittedBlocks: boolean;
  /** A database that nothing says how to reach is one that cannot be reached, and no error. */
  readonly mayLackSecrets?: boolean;
}

/**
 * Decides which states block. State 4 never does: it decides what is proposed.
 *
 * @returns the blocking states in the order in which they are mended
 */
export function blockingStates(states: States, policy: BlockPolicy): BlockerState[] {
  return BLOCKER_STATES.filter(
    (state) => states[state] && (state !== "uncommittedChanges" || policy.uncommittedBlocks),
  );
}
