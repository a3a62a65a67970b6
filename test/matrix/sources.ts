/** The schemas that the matrix reads. */
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));

/** A schema as SQL that a server can load. */
export interface Source {
  readonly name: string;
  readonly sql: string;
  /** The first major version that knows all of it. */
  readonly since: number;
}

/** What not every server has or takes in the same way, and what takes its place on all of them alike. */
const STAND_INS: readonly (readonly [RegExp, string])[] = [
  [
    /^(?:CREATE|DROP|COMMENT ON) EXTENSION (?:IF (?:NOT )?EXISTS )?(?:postgis|vector|pg_partman)\b[^\n]*;$/gm,
    "",
  ],
  // What this grants is there by default before 15, so it says other things on other servers.
  [/^(?:REVOKE USAGE|GRANT ALL) ON SCHEMA public (?:FROM|TO) PUBLIC;$/gm, ""],
  [/public\.geometry\([^)]*\)/g, "polygon"],
  [/public\.vector\(\d+\)/g, "real[]"],
  [/^CREATE INDEX [^\n]* USING hnsw [^\n]*;$/gm, ""],
];

/**
 * The schemas of test/matrix/schemas, the newest of the example project, and files.
 *
 * @param files paths, each with `:15` behind it where servers before 15 cannot load it
 */
export async function sourcesOf(files: readonly string[]): Promise<Source[]> {
  const folder = join(here, "schemas");
  const own = (await sqlIn(folder)).map((path) => ({ path, since: versionIn(path, /since-(\d+)\.sql$/) }));
  const example = join(here, "../../wovtools/db/shopdb/schemas");
  const newest = existsSync(example) ? (await readdir(example)).sort().slice(-1) : [];
  const given = files.map((file) => ({
    path: file.replace(/:\d+$/, ""),
    since: versionIn(file, /:(\d+)$/),
  }));
  const all = [...own, ...newest.map((name) => ({ path: join(example, name), since: 13 })), ...given];
  return Promise.all(
    all.map(async ({ path, since }) => ({
      name: path.startsWith(example) ? "the example project" : basename(path, ".sql"),
      sql: loadable(await readFile(path, "utf8")),
      since,
    })),
  );
}

async function sqlIn(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".sql"));
  return names.sort().map((name) => join(folder, name));
}

function versionIn(path: string, pattern: RegExp): number {
  return Number(pattern.exec(path)?.[1] ?? 13);
}

/** Without psql's own commands, and without extensions that no embedded server has. */
function loadable(text: string): string {
  const sql = text.replace(/^\\(?:un)?restrict .*$/gm, "");
  return STAND_INS.reduce((changed, [pattern, standIn]) => changed.replace(pattern, standIn), sql);
}
