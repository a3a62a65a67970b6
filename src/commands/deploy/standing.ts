/** What the schema of a stage says of where it stands: drift, baselines, and what an earlier deploy has done. */
import type { Archive } from "../../archive/read.js";
import type { Version } from "../../archive/versions.js";
import type { ProjectDatabase } from "../../config/project.js";
import { BlockedError } from "../../errors.js";
import type { ConnectionSettings } from "../../postgres/connection.js";
import type { SchemaDiff } from "../../schema/index.js";
import type { Progress } from "../../stage/deploy-ledger.js";
import type { Position } from "../../stage/position.js";
import type { Fate } from "../../stage/recover.js";
import { archivedSchemaText } from "../database-state.js";
import { readLiveSchema, type SchemaText } from "../live-schema.js";
import type { Expected, KnownExpected } from "../objects/expected.js";
import type { ObjectScripts } from "../objects/scripts.js";
import {
  type DifferencePlace,
  differenceFrom,
  diffLines,
  idsOf,
  isNoDifference,
  newIn,
} from "./difference.js";
import { recorded, targetVersion } from "./path.js";

/** Drift that was accepted. */
export interface AcceptedDrift {
  /** The ids of the objects that differ. */
  readonly ids: ReadonlySet<string>;
  /** What a person is told; null where there is none. */
  readonly note: string | null;
}

/** What may differ from a version. */
export interface AcceptedObjects {
  /** Ids of objects that differed before. */
  readonly drift: ReadonlySet<string>;
  /** Applied with the deltas; null for none. */
  readonly scripts: ObjectScripts | null;
  /** Scripts whose objects may be as they like. */
  readonly others: readonly ObjectScripts[];
}

/** Mostly there is no difference, and none of what looks into one is loaded. */
async function lessScripted(diff: SchemaDiff, scripts: readonly ObjectScripts[]): Promise<SchemaDiff> {
  const { withoutScripted } = await import("../objects/script-of.js");
  return withoutScripted(diff, scripts);
}

export class Standing {
  readonly #place: DifferencePlace;

  /** @param what the database on its stage, in words */
  constructor(
    private readonly of: {
      readonly archive: Archive;
      readonly database: ProjectDatabase;
      readonly stage: string;
      readonly settings: ConnectionSettings;
      readonly progress: (doing: string) => void;
      readonly expected: KnownExpected;
    },
    private readonly what: string,
    /** The scripts that may account for how the schema is: those it was given, those of the working tree. */
    private readonly givenScripts: () => Promise<readonly ObjectScripts[]>,
  ) {
    this.#place = { ...of, near: of.settings };
  }

  /** What a schema has changed since a version that no scripts account for; null where it has nothing. */
  async #difference(
    version: Version,
    live: SchemaText,
    scripts: () => Promise<readonly ObjectScripts[]>,
  ): Promise<SchemaDiff | null> {
    const diff = await differenceFrom(version, live, this.#place);
    if (diff === null) return null;
    let nearest = diff;
    for (const over of await scripts()) {
      const remaining = await this.#differenceOver(version, live, diff, over);
      if (remaining === null) return null;
      if (idsOf(remaining).length < idsOf(nearest).length) nearest = remaining;
    }
    return nearest;
  }

  async #differenceOver(
    version: Version,
    live: SchemaText,
    diff: SchemaDiff,
    over: ObjectScripts,
  ): Promise<SchemaDiff | null> {
    const expected = await this.expect(version, over);
    if ("reason" in expected) {
      const rest = await lessScripted(diff, [over]);
      return isNoDifference(rest) ? null : rest;
    }
    if (expected.schema.sha256 === live.sha256) return null;
    const { compareSchemas } = await import("../compare.js");
    const compared = await compareSchemas(expected.schema, live, this.#place);
    return compared.differs ? compared.diff : null;
  }

  /** What the schema has to be at a version with scripts applied to it. */
  async expect(version: Version, scripts: ObjectScripts): Promise<Expected> {
    const { database, settings, progress, expected } = this.of;
    const archived = await archivedSchemaText(this.of, version.key);
    const { expectedSchema } = await import("../objects/expected.js");
    return expectedSchema({ archived, scripts, database, near: settings, progress }, expected);
  }

  /**
   * Holds the schema against the version that the database is at.
   *
   * @throws BlockedError `DRIFT` with the objects that differ, unless that is accepted
   */
  async drift(from: Version, live: SchemaText, accepts: boolean): Promise<AcceptedDrift> {
    const diff = await this.#difference(from, live, this.givenScripts);
    if (diff === null) return { ids: new Set(), note: null };
    const { database, stage } = this.of;
    const lines = diffLines(diff);
    if (accepts) {
      const note = `${this.what} has drifted from ${from.key}, which was accepted:\n${lines}`;
      return { ids: new Set(idsOf(diff)), note };
    }
    throw new BlockedError("DRIFT", `${this.what} is not as its version ${from.key} has it:\n${lines}`, {
      hint: `${await this.#explained(live)} the difference, and archive it or take it back:\n  wov diff ${database.name}@${from.key} ${stage}:${database.name}\nor deploy all the same, and leave these objects as they are:\n  wov-deploy ${database.name} --stage ${stage} --accept-drift`,
    });
  }

  /** What may have happened behind the ledger's back, and the command that tells it; the last word is see. */
  async #explained(live: SchemaText): Promise<string> {
    const { archive, database, stage } = this.of;
    if (await live.isEmpty())
      return `It is empty. If it was made anew, fill it and tell the ledger:\n  wov-db ${database.name} --stage ${stage} --wdb-createinstance\nOtherwise see`;
    const { versionByText } = await import("../position.js");
    const version = await versionByText(archive, live);
    if (version === null) return "See";
    return `It is as version ${version.key} has it. If it or its ledger was restored from a backup, say so, and it is deployed from there:\n  wov-deploy ${database.name} --stage ${stage} --baseline ${version.key}\nOtherwise see`;
  }

  /**
   * Where a database stands that is said to be at a version.
   *
   * @throws BlockedError `NOT_THE_BASELINE` where the schema is not that version's, ConfigError `UNKNOWN_VERSION`
   */
  async baseline(named: string, live: SchemaText): Promise<Position> {
    const { archive, database, stage } = this.of;
    const version = targetVersion(archive.versions, named, database.name);
    const diff = await this.#difference(version, live, this.givenScripts);
    if (diff === null) return { version: version.key, versionId: version.id, partial: null };
    throw new BlockedError(
      "NOT_THE_BASELINE",
      `${this.what} does not have the schema of ${version.key}:\n${diffLines(diff)}`,
      {
        hint: `See how it differs:\n  wov diff ${database.name}@${version.key} ${stage}:${database.name}`,
      },
    );
  }

  /** Whether the schema shows that what was meant is there; null where it does not tell. */
  async fateByChecksum({ completed, partial }: Progress, position: Position | null): Promise<Fate | null> {
    const meant = completed.at(-1);
    if (partial !== null || position?.partial) return null;
    // It was about the objects alone, which are looked at in any case.
    if (meant === undefined) return "aborted";
    const { archive, database, stage, settings } = this.of;
    const live = await readLiveSchema(settings, database);
    const around = { database: database.name, stage, versions: archive.versions };
    const isAt = async (at: Pick<Position, "version" | "versionId">) =>
      (await this.#difference(recorded(around, at), live, this.givenScripts)) === null;
    const committed = await isAt(meant);
    const aborted = position === null ? await live.isEmpty() : await isAt(position);
    if (committed === aborted) return null;
    return committed ? "committed" : "aborted";
  }

  /**
   * Holds the schema that a plan has led to against the target's, accepted drift aside.
   *
   * @param objects the scripts that were applied; and where they are not those of the target, all that may have
   *   made a difference
   * @param said how the error begins, e.g. `The rehearsal does not lead`
   * @throws BlockedError `SCHEMA_DIFFERS`
   */
  async refuseOther(
    target: Version,
    schema: SchemaText,
    { drift, scripts, others }: AcceptedObjects,
    said: string,
  ): Promise<void> {
    const all = await this.#difference(target, schema, async () => (scripts === null ? [] : [scripts]));
    const diff = all === null ? null : await lessScripted(all, others);
    if (diff === null || idsOf(diff).every((id) => drift.has(id))) return;
    throw new BlockedError(
      "SCHEMA_DIFFERS",
      `${said} to the schema of ${target.key}:\n${diffLines(newIn(diff, drift))}`,
      {
        hint:
          scripts === null
            ? "Nothing of it was committed. The deltas do not make the schema that was archived with them: archive a revision that does."
            : "Nothing of it was committed. The deltas and the object scripts do not make what the archived schema and the same scripts make. Whatever of an object is in the archive only, such as a grant, belongs into its script.",
      },
    );
  }
}
