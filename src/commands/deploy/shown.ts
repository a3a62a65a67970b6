/** A plan as it is shown: what each statement locks, destroys and risks. */
import { type Archive, readDeltas } from "../../archive/read.js";
import { byStatement, type SquawkWarning, squawkWarnings } from "../../deltas/facts/squawk.js";
import { type ObjectsOutlook, shownSteps } from "../objects/outlook.js";
import type { DatabaseDeploy, WoStep } from "../results.js";
import type { ReadVersion } from "./planned.js";

type ShownVersion = DatabaseDeploy["statements"][number];

/**
 * Adds what squawk, where it is installed, has to say of the deltas.
 *
 * @param serverVersion `server_version_num` of the stage
 */
export async function shownVersions(
  archive: Archive,
  versions: readonly ReadVersion[],
  serverVersion: number,
): Promise<ShownVersion[]> {
  const shown: ShownVersion[] = [];
  for (const version of versions)
    shown.push(shownVersion(version, await hazardsOf(archive, version, serverVersion)));
  return shown;
}

async function hazardsOf(
  archive: Archive,
  { version, how, statements }: ReadVersion,
  serverVersion: number,
): Promise<SquawkWarning[][]> {
  if (how === "loaded") return [];
  const deltas = await readDeltas(archive, version);
  const warnings = await squawkWarnings(deltas?.toString("utf8") ?? "", Math.floor(serverVersion / 10_000));
  return warnings === null ? [] : byStatement(statements, warnings);
}

function shownVersion(
  { version, how, file, statements }: ReadVersion,
  hazards: readonly (readonly SquawkWarning[])[],
): ShownVersion {
  return {
    version,
    how,
    file,
    statements: statements.map(({ line, text, facts }, index) => ({
      line,
      sql: how === "loaded" ? "" : text,
      kind: facts?.kind ?? null,
      locks: [...(facts?.locks ?? [])],
      destructive: facts?.destructive ?? null,
      outsideTransaction: facts?.outsideTransaction ?? false,
      unclear: [...(facts?.unclear ?? [])],
      hazards: (hazards[index] ?? []).map(({ rule, message, help }) => ({ rule, message, help })),
    })),
  };
}

/** What would be done about the objects; null for nothing. */
export function shownObjects(outlook: ObjectsOutlook | null): WoStep[] {
  return outlook === null ? [] : shownSteps(outlook);
}
