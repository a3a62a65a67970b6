/** What a person is told where nothing is archived for want of a proof. Pure. */
import { relative } from "node:path";
import { quotePath } from "../../archive/history.js";
import { BlockedError } from "../../errors.js";
import { firstChangeLines } from "../change-text.js";
import type { Proof } from "../proof.js";
import type { ObjectChange } from "../results.js";
import type { Session } from "../session.js";
import type { Candidate } from "./candidate.js";

type Refuted = Extract<Proof, { readonly verdict: "refuted" }>;

/** @param isUnapplied the database has the schema of the version before, and the deltas do more */
export function notProven(
  session: Session,
  candidate: Candidate,
  proof: Refuted,
  isUnapplied: boolean,
): BlockedError {
  const { failure, missed, surplus } = proof;
  const { database } = candidate.state;
  const pending = relative(session.project.root, database.paths.pendingDeltas);
  const { parent } = candidate.plan;
  const what =
    parent === null
      ? `The schema of ${database.name} on ${session.stage}, loaded from its text, is another than the database has.`
      : `The pending deltas of ${database.name} do not lead from ${parent} to the schema that it has on ${session.stage}.`;
  const said =
    failure === null
      ? [
          ...listed("Done in the database, and not by them:", missed),
          ...listed("Done by them, and not in the database:", surplus),
        ]
      : [`A shadow refuses a statement: ${failure.message}.`, `  ${failure.statement}`];
  const ways = parent === null ? [] : waysToMend(database.name, pending, proof, isUnapplied);
  return new BlockedError("NOT_PROVEN", [what, ...said].join("\n"), {
    where: failure?.where ?? (parent === null ? undefined : pending),
    hint: [...(failure?.hint ? [failure.hint] : []), asHint([...ways, withoutProof(candidate)])].join("\n"),
  });
}

export function notProvable(
  { project }: Session,
  candidate: Candidate,
  reasons: readonly string[],
): BlockedError {
  const { name, paths } = candidate.state.database;
  const { parent } = candidate.plan;
  const what =
    parent === null
      ? `Whether the text of the schema of ${name} gives it back cannot be proven:`
      : `Whether the pending deltas of ${name} lead from ${parent} to its schema cannot be proven:`;
  return new BlockedError("NOT_PROVABLE", [what, ...reasons.map((reason) => `  ${reason}`)].join("\n"), {
    where: parent === null ? undefined : relative(project.root, paths.pendingDeltas),
    hint: asHint([withoutProof(candidate)]),
  });
}

function listed(title: string, changes: readonly ObjectChange[]): string[] {
  return changes.length === 0 ? [] : [title, ...firstChangeLines(changes)];
}

/** What to do, and the command for it. */
type Way = readonly [what: string, command: string];

function waysToMend(
  name: string,
  pending: string,
  { failure, missed }: Refuted,
  isUnapplied: boolean,
): Way[] {
  const edit = `wov-db ${name} --wdb-edit`;
  if (failure !== null) return [["mend the statement", edit]];
  if (isUnapplied)
    return [
      ["apply them to the database", `wov-db ${name} -f ${quotePath(pending)}`],
      ["take out what it is not to have", edit],
    ];
  if (missed.length === 0) return [["take out what the database is not to have, or do it there too", edit]];
  return [
    ["have written what is missing", `wov-db ${name} --wdb-deltas`],
    ["write it yourself", edit],
  ];
}

/** The way out, which stays to be seen. */
function withoutProof({ state, plan }: Candidate): Way {
  const { name } = state.database;
  const what = plan.parent === null ? `--snapshot ${name} NAME` : name;
  return ["archive it unproven, which the history then says", `wov-push-db ${what} --no-proof`];
}

function asHint(ways: readonly Way[]): string {
  const text = ways.map(([what, command]) => `${what}:\n  ${command}`).join("\nor ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}
