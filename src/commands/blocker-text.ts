/** What a person is told about each state that blocks, and the commands that mend it. Pure. */
import { quotePath } from "../archive/history.js";
import type { BlockerState, States } from "./blockers.js";
import { bringingThere } from "./lagging.js";
import type { ScriptPlace } from "./objects/accounting.js";
import type { Comparison } from "./position.js";
import type { Blocker } from "./results.js";

export interface BlockerFacts {
  readonly database: string;
  readonly stage: string;
  readonly pver: string;
  readonly states: States;
  readonly comparison: Comparison;
  /** Whether the database holds nothing at all. */
  readonly isEmpty: boolean;
  /** Of what differs, what an object script should say. */
  readonly scriptPlaces: readonly ScriptPlace[];
  /** Whether something differs that only deltas change. */
  readonly needsDeltas: boolean;
  /** Relative to the project. */
  readonly pendingFile: string;
  readonly newest: string | null;
  /** The newest archived version where this PVER is lower, so that nothing can be archived under it; else null. */
  readonly higher: string | null;
  readonly pendingStatements: number;
  /** Some of them change the schema, and the database has an archived version's all the same. */
  readonly pendingUnapplied: boolean;
  /** Relative to the project. */
  readonly historyFile: string;
  /** The path of a version's archived deltas, relative to the project. */
  readonly deltasOf: (version: string) => string;
  /** The database has object scripts, which run after the deltas of the newest version. */
  readonly hasScripts: boolean;
  readonly hasLedger: boolean;
  /** The version that a deploy stopped within; null for none. */
  readonly stopped: string | null;
  readonly uncommitted: readonly string[];
  readonly archiveUncommitted: readonly string[];
}

/** How many paths a message lists before it says how many more there are. */
const LISTED_PATHS = 5;

export function blockerOf(state: BlockerState, facts: BlockerFacts): Blocker {
  const text = TEXTS[state](facts);
  return { state, where: null, ...text };
}

type Text = Pick<Blocker, "message" | "hint"> & Partial<Pick<Blocker, "where">>;

const TEXTS: Record<BlockerState, (facts: BlockerFacts) => Text> = {
  schemaDiffers: (facts) => {
    const { comparison } = facts;
    if (comparison.expected === null) return firstVersion(facts);
    if (facts.isEmpty) return empty(facts);
    if (facts.stopped !== null) return stoppedWithin(facts, facts.stopped);
    if (comparison.atUnknown) return elsewhere(facts);
    if (comparison.behind.length > 0) return behind(facts);
    return comparison.drift ? drifted(facts, comparison.expected.key) : ahead(facts, comparison.expected.key);
  },
  pendingDeltas: (facts) => {
    const { database, stage, pendingFile, pendingStatements: count, comparison } = facts;
    const waiting = `${count === 1 ? "One statement waits" : `${count} statements wait`} in the pending deltas of ${database}.`;
    const archive = archiving(count === 1 ? "it" : "them", facts);
    if (!facts.pendingUnapplied)
      return {
        message: waiting,
        where: pendingFile,
        hint: `${archive.charAt(0).toUpperCase()}${archive.slice(1)}`,
      };
    return {
      message: `${waiting} ${database} on ${stage} has the schema of ${comparison.at}, as if they had not been applied.`,
      where: pendingFile,
      hint: `Apply them:\n  wov-db ${database} -f ${quotePath(pendingFile)}\nThen ${archive}`,
    };
  },
  uncommittedChanges: ({ uncommitted }) => ({
    message: `The repository has uncommitted changes:\n${list(uncommitted)}`,
    hint: "Commit or stash them, or leave this check out with --skip-git-checks.",
  }),
  archiveUncommitted: ({ database, archiveUncommitted }) => ({
    message: `The archive of ${database} has uncommitted changes:\n${list(archiveUncommitted)}`,
    hint: `Archived files are never edited. Look at the changes, and take them back or commit them:\n  git status -- ${archiveUncommitted[0] ?? ""}`,
  }),
};

/** Nobody means to archive that everything is dropped. */
function empty({ database, stage }: BlockerFacts): Text {
  return {
    message: `${database} on ${stage} is empty, and the archive is not.`,
    hint: `Make it from the archive:\n  wov-db ${database} --wdb-createinstance`,
  };
}

function stoppedWithin({ database, stage, comparison }: BlockerFacts, version: string): Text {
  return {
    message: `${database} on ${stage} is at ${comparison.at}, and a deploy stopped within ${version}.`,
    hint: `Finish it first:\n  wov-deploy ${database} --stage ${stage}`,
  };
}

/** What to archive under, and the commands for it. */
function archiving(what: string, { database, pver, states, higher }: BlockerFacts): string {
  if (higher !== null) {
    return `raise the project version, since ${pver} is lower than the archived ${higher}, and archive ${what}:\n  npm version --no-git-tag-version ${higher}\n  wov-push-db ${database}`;
  }
  const becomes = states.pverArchived ? `a further revision of ${pver}` : `version ${pver}`;
  return `archive ${what} as ${becomes}:\n  wov-push-db ${database}`;
}

function firstVersion({ database, stage }: BlockerFacts): Text {
  return {
    message: `${database} on ${stage} has a schema, and its archive has no version yet.`,
    hint: `Archive what it has as the first version:\n  wov-push-db --snapshot ${database} initial`,
  };
}

function drifted(facts: BlockerFacts, expected: string): Text {
  const { database, stage, states, pendingFile, scriptPlaces, needsDeltas } = facts;
  const said = `${database} on ${stage} is not as version ${expected} has it`;
  if (!needsDeltas) {
    return {
      message: `${said}, and not as its object scripts say:\n${scriptLines(scriptPlaces)}`,
      hint: `Write what the database has into the scripts, or bring it to them, if they are right:\n  wov-deploy ${database} --stage ${stage} --accept-drift`,
    };
  }
  const scripted =
    scriptPlaces.length === 0
      ? ""
      : `\nThese belong into object scripts, the rest into deltas:\n${scriptLines(scriptPlaces)}`;
  const write = states.pendingDeltas
    ? `Have written what ${pendingFile} lacks of these changes, and read it`
    : `Have the SQL that makes these changes written into ${pendingFile}, and read it`;
  return {
    message: `${said}.${scripted}`,
    hint: `${write}:\n  wov-db ${database} --wdb-deltas\nor write it yourself:\n  wov-db ${database} --wdb-edit\nThen ${archiving("it", facts)}`,
  };
}

function behind(facts: BlockerFacts): Text {
  const { database, stage, comparison } = facts;
  const { drift, behind: lacking } = comparison;
  const at = comparison.at ?? "";
  const toNewest = lacking.at(-1) === facts.newest;
  const commands = bringingThere({ ...facts, at, lacking, toNewest });
  const message = `${database} on ${stage} is at ${at}${drift ? ", with changes of its own" : ""}; the archive is ahead by ${lacking.join(", ")}.`;
  if (!drift) return { message, hint: `Bring it there, and tell its ledger:\n${commands}` };
  return {
    message,
    hint: `Take back in the database what is its own, then run:\n${commands}\nMake your changes again after that.`,
  };
}

function ahead({ database, stage, comparison, pver, higher }: BlockerFacts, expected: string): Text {
  return {
    message: `${database} on ${stage} is at ${comparison.at}, but the newest archived under the project version ${pver} is ${expected}.`,
    hint: `Raise the project version:\n  npm version --no-git-tag-version ${higher ?? pver}\nor use a database that is at ${expected}.`,
  };
}

function elsewhere({ database, stage, comparison, historyFile }: BlockerFacts): Text {
  return {
    message: `${database} on ${stage} is at ${comparison.at}, which this archive does not have.`,
    hint: `Did a merge or a rebase keep the other side's versions? Then let yours follow them:\n  wov-db ${database} --rebase\nIt may stand on another branch:\n  git log --all --reflog --oneline -- ${quotePath(historyFile)}\nGo there, or use a database that is at a version of this one.`,
  };
}

function scriptLines(places: readonly ScriptPlace[]): string {
  return list(
    places.map(({ change: { type, name }, path, exists }) => {
      return `${type} ${name}: ${path}${exists ? "" : ", which is not there yet"}`;
    }),
  );
}

function list(paths: readonly string[]): string {
  const shown = paths.slice(0, LISTED_PATHS).map((path) => `  ${path}`);
  if (paths.length > LISTED_PATHS) shown.push(`  and ${paths.length - LISTED_PATHS} more`);
  return shown.join("\n");
}
