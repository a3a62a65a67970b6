/** What the schema of a stage says of where it stands: drift, baselines, and what an earlier deploy has done. */
import type { Archive } from "../../archive/read.js";
import type { Version } from "../../archive/versions.js";
import type { ProjectDatabase } from "../../config/project.js";
import { BlockedError } from "../../errors.js";
import type { ConnectionSettings } from "../../postgres/connection.js";
import type { Position, Progress } from "../../stage/deploy-ledger.js";
import type { Fate } from "../../stage/recover.js";
import { readLiveSchema, type SchemaText } from "../live-schema.js";
import { type DifferencePlace, differenceFrom, diffLines, idsOf, newIn } from "./difference.js";
import { recorded, targetVersion } from "./path.js";

/** Drift that was accepted. */
export interface AcceptedDrift {
  /** The ids of the objects that differ. */
  readonly ids: ReadonlySet<string>;
  /** What a person is told; null where there is none. */
  readonly note: string | null;
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
    },
    private readonly what: string,
  ) {
    this.#place = { ...of, near: of.settings };
  }

  /**
   * Holds the schema against the version that the database is at.
   *
   * @throws BlockedError `DRIFT` with the objects that differ, unless that is accepted
   */
  async drift(from: Version, live: SchemaText, accepts: boolean): Promise<AcceptedDrift> {
    const diff = await differenceFrom(from, live, this.#place);
    if (diff === null) return { ids: new Set(), note: null };
    const { database, stage } = this.of;
    const lines = diffLines(diff);
    if (accepts) {
      const note = `${this.what} has drifted from ${from.key}, which was accepted:\n${lines}`;
      return { ids: new Set(idsOf(diff)), note };
    }
    const again =
      (await live.canonical()).objects.size === 0
        ? `It is empty. If it was made anew, fill it and tell the ledger:\n  wov-db ${database.name} --stage ${stage} --wdb-createinstance\nor `
        : "";
    throw new BlockedError("DRIFT", `${this.what} is not as its version ${from.key} has it:\n${lines}`, {
      hint: `${again}See the difference, and archive it or take it back:\n  wov diff ${database.name}@${from.key} ${stage}:${database.name}\nor deploy all the same, and leave these objects as they are:\n  wov-deploy ${database.name} --stage ${stage} --accept-drift`,
    });
  }

  /**
   * Where a database stands that is said to be at a version.
   *
   * @throws BlockedError `NOT_THE_BASELINE` where the schema is not that version's, ConfigError `UNKNOWN_VERSION`
   */
  async baseline(named: string, live: SchemaText): Promise<Position> {
    const { archive, database, stage } = this.of;
    const version = targetVersion(archive.versions, named, database.name);
    const diff = await differenceFrom(version, live, this.#place);
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
    if (meant === undefined || partial !== null || position?.partial) return null;
    const { archive, database, stage, settings } = this.of;
    const live = await readLiveSchema(settings, database);
    const around = { database: database.name, stage, versions: archive.versions };
    const isAt = async (at: Pick<Position, "version" | "versionId">) =>
      (await differenceFrom(recorded(around, at), live, this.#place)) === null;
    const committed = await isAt(meant);
    const aborted = position === null ? (await live.canonical()).objects.size === 0 : await isAt(position);
    if (committed === aborted) return null;
    return committed ? "committed" : "aborted";
  }

  /**
   * Holds the schema that a plan has led to against the target's, accepted drift aside.
   *
   * @param said how the error begins, e.g. `The rehearsal does not lead`
   * @throws BlockedError `SCHEMA_DIFFERS`
   */
  async refuseOther(
    target: Version,
    schema: SchemaText,
    drift: ReadonlySet<string>,
    said: string,
  ): Promise<void> {
    const diff = await differenceFrom(target, schema, this.#place);
    if (diff === null || idsOf(diff).every((id) => drift.has(id))) return;
    throw new BlockedError(
      "SCHEMA_DIFFERS",
      `${said} to the schema of ${target.key}:\n${diffLines(newIn(diff, drift))}`,
      {
        hint: "Nothing of it was committed. The deltas do not make the schema that was archived with them: archive a revision that does.",
      },
    );
  }
}
