/** The journal of an archiving: the whole plan on disk, so that a killed run can be finished by the next. */
import { unlink } from "node:fs/promises";
import { dirname } from "node:path";
import * as v from "valibot";
import { ArchiveError } from "../errors.js";
import { isMissing, readText, syncFolder, temporaryName } from "../files.js";
import { quotePath } from "./history.js";
import type { ArchivingPlan } from "./plan.js";

const Journal = v.strictObject({
  wovtoolsjournal: v.literal("1"),
  plan: v.strictObject({
    database: v.string(),
    version: v.string(),
    parent: v.nullable(v.string()),
    files: v.array(
      v.strictObject({ role: v.picklist(["deltas", "schema"]), path: v.string(), base64: v.string() }),
    ),
    history: v.strictObject({
      path: v.string(),
      before: v.nullable(v.string()),
      previous: v.optional(v.nullable(v.string())),
      content: v.string(),
    }),
    pending: v.nullable(v.strictObject({ path: v.string(), sha256: v.string() })),
    retired: v.optional(v.array(v.string()), []),
    proven: v.optional(v.nullable(v.boolean()), null),
    message: v.string(),
    record: v.strictObject({
      database: v.string(),
      version: v.string(),
      id: v.string(),
      checksum: v.string(),
      deltas: v.nullable(v.string()),
    }),
  }),
});

/** The text of a plan's journal. Files go in as base64, since deltas must come out byte for byte. */
export function formatJournal(plan: ArchivingPlan): string {
  const files = plan.files.map(({ role, path, content }) => ({
    role,
    path,
    base64: Buffer.from(content).toString("base64"),
  }));
  return JSON.stringify({ wovtoolsjournal: "1", plan: { ...plan, files } });
}

/**
 * Reads the plan of an archiving that was begun and not finished.
 *
 * @returns null when there is none
 * @throws ArchiveError `JOURNAL_INVALID`
 */
export async function readJournal(file: string): Promise<ArchivingPlan | null> {
  const text = await readText(file, ArchiveError);
  if (text === null) return null;
  let plan: v.InferOutput<typeof Journal>["plan"];
  try {
    plan = v.parse(Journal, JSON.parse(text)).plan;
  } catch (cause) {
    throw new ArchiveError("JOURNAL_INVALID", "The journal of an unfinished archiving cannot be read.", {
      where: file,
      hint: `A later wovtools may have written it. If not, take it away; the pending deltas are where they were:\n  rm ${quotePath(file)}`,
      cause,
    });
  }
  const files = plan.files.map(({ role, path, base64 }) => ({
    role,
    path,
    content: Buffer.from(base64, "base64"),
  }));
  return { ...plan, files };
}

/** Removes a journal, and what a killed write of it left. */
export async function removeJournal(file: string): Promise<void> {
  await removeIfThere(temporaryName(file));
  await removeIfThere(file);
}

/** Removes a file durably; a file that is not there is fine. */
export async function removeIfThere(file: string): Promise<void> {
  try {
    await unlink(file);
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  await syncFolder(dirname(file));
}
