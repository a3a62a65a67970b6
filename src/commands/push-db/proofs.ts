/** Proving what is to be archived, before any of it is. */
import { relative } from "node:path";
import { quotePath } from "../../archive/history.js";
import type { ArchivingPlan } from "../../archive/plan.js";
import { BlockedError } from "../../errors.js";
import { firstChangeLines } from "../change-text.js";
import { archivedSchemaText, type DatabaseState, isSchemaOf, type LiveDatabase } from "../database-state.js";
import { readLiveSchema } from "../live-schema.js";
import { type Proof, prove, ShadowServers } from "../proof.js";
import type { Session } from "../session.js";

/** What is to be archived of one database. */
export interface Candidate {
  readonly state: DatabaseState;
  readonly live: LiveDatabase;
  readonly plan: ArchivingPlan;
}

/**
 * Proves that the pending deltas of every database lead from the version before to the schema that was read, and
 * of a first version that its text gives the schema back. After that every database must still be as it was read.
 *
 * @throws BlockedError `NOT_PROVEN`, `NOT_PROVABLE`, `DATABASE_CHANGED`
 */
export async function proveAll(session: Session, candidates: readonly Candidate[]): Promise<void> {
  const servers = new ShadowServers();
  try {
    for (const candidate of candidates) await proveOne(servers, session, candidate);
  } finally {
    await servers.close();
  }
  await Promise.all(candidates.map((candidate) => refuseChanged(session, candidate)));
}

async function proveOne(servers: ShadowServers, session: Session, candidate: Candidate): Promise<void> {
  const { state, live, plan } = candidate;
  const { database, pending } = state;
  const inProject = (path: string) => relative(session.project.root, path);
  const first = plan.parent === null;
  const proof = await prove(servers, {
    from: plan.parent === null ? live.schema : await archivedSchemaText(state, plan.parent),
    fromFile: inProject(database.paths.archivedSchema(plan.parent ?? plan.version)),
    deltas: {
      file: inProject(first ? database.paths.archivedSchema(plan.version) : database.paths.pendingDeltas),
      content: first ? Buffer.alloc(0) : (pending?.content ?? Buffer.alloc(0)),
    },
    to: live.schema,
    database,
    near: live.connection,
    progress: session.progress,
  });
  if (proof.verdict === "proven") return;
  if (proof.verdict === "uncovered") throw notProvable(session, candidate, proof.reasons);
  const parent = state.archive.versions.get(plan.parent ?? "");
  const isUnapplied =
    parent !== undefined && proof.missed.length === 0 && (await isSchemaOf(state, live.schema, parent));
  throw notProven(session, candidate, proof, isUnapplied);
}

type Refuted = Extract<Proof, { readonly verdict: "refuted" }>;

function notProven(
  { stage, project }: Session,
  { state, plan }: Candidate,
  { failure, missed, surplus }: Refuted,
  isUnapplied: boolean,
): BlockedError {
  const { name, paths } = state.database;
  const what =
    plan.parent === null
      ? `The schema of ${name} on ${stage}, loaded from its text, is another than the database has.`
      : `The pending deltas of ${name} do not lead from ${plan.parent} to the schema that it has on ${stage}.`;
  const said =
    failure === null
      ? [
          ...listed("Done in the database, and not by them:", missed),
          ...listed("Done by them, and not in the database:", surplus),
        ]
      : [`A shadow refuses a statement: ${failure.message}.`, `  ${failure.statement}`];
  const pending = relative(project.root, paths.pendingDeltas);
  const mending = isUnapplied
    ? `Apply them to the database:\n  wov-db ${name} -f ${quotePath(pending)}\nor take out what it is not to have:\n  wov-db ${name} --wdb-edit`
    : `Have written what is missing:\n  wov-db ${name} --wdb-deltas\nor write it yourself:\n  wov-db ${name} --wdb-edit`;
  return new BlockedError("NOT_PROVEN", [what, ...said].join("\n"), {
    where: failure?.where ?? pending,
    hint: [...(plan.parent === null ? [] : [mending]), unproven(name, plan)].join("\n"),
  });
}

function listed(title: string, changes: Refuted["missed"]): string[] {
  return changes.length === 0 ? [] : [title, ...firstChangeLines(changes)];
}

function notProvable(
  { project }: Session,
  { state, plan }: Candidate,
  reasons: readonly string[],
): BlockedError {
  const { name, paths } = state.database;
  const what =
    plan.parent === null
      ? `Whether the text of the schema of ${name} gives it back cannot be proven:`
      : `Whether the pending deltas of ${name} lead from ${plan.parent} to its schema cannot be proven:`;
  return new BlockedError("NOT_PROVABLE", [what, ...reasons.map((reason) => `  ${reason}`)].join("\n"), {
    where: plan.parent === null ? undefined : relative(project.root, paths.pendingDeltas),
    hint: unproven(name, plan),
  });
}

/** The way out, which stays to be seen. */
function unproven(name: string, { parent }: ArchivingPlan): string {
  const what = parent === null ? `--snapshot ${name} NAME` : name;
  return `Archive it unproven, which the history then says:\n  wov-push-db ${what} --no-proof`;
}

/** What is archived is what was proven, so nothing may have come between. */
async function refuseChanged({ stage, progress }: Session, { state, live }: Candidate): Promise<void> {
  const { database } = state;
  progress(`reading the schema of ${database.name} on ${stage} again`);
  const now = await readLiveSchema(live.connection, database);
  if (now.sha256 === live.schema.sha256) return;
  throw new BlockedError(
    "DATABASE_CHANGED",
    `${database.name} on ${stage} was changed while its deltas were proven. Nothing was archived.`,
    { hint: `Run this again when nobody is changing it:\n  wov-push-db ${database.name}` },
  );
}
