/** Proving what is to be archived, before any of it is. */
import { relative } from "node:path";
import { BlockedError } from "../../errors.js";
import { archivedSchemaText, isSchemaOf } from "../database-state.js";
import { readLiveSchema } from "../live-schema.js";
import { readProjectScripts } from "../objects/scripts.js";
import { prove, ShadowServers } from "../proof.js";
import type { Session } from "../session.js";
import type { Candidate } from "./candidate.js";
import { notProvable, notProven } from "./proof-text.js";

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
    scripts: first ? null : await readProjectScripts(session.project, database),
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
