// Writes the JSON Schemas of the files and results that people and programs read, made from the schemas that the
// code itself checks with.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { toJsonSchema } from "@valibot/to-json-schema";

/** The files of a project: name of the JSON Schema, compiled module, exported schema. */
const FILES = [
  ["config", "config/schemas.js", "ConfigFile"],
  ["secrets", "config/schemas.js", "SecretsFile"],
  ["history", "archive/history.js", "HistoryFile"],
];

/**
 * Writes `json-schemas/NAME.json` for the files of a project, and `json-schemas/results/NAME.json` for what `--json`
 * prints.
 *
 * @param {string} compiled the folder that the compiler writes to
 * @param {string} dist the folder that is published
 */
export async function writeJsonSchemas(compiled, dist) {
  const load = (module) => import(pathToFileURL(join(compiled, module)).href);
  for (const [name, module, exported] of FILES)
    write(join(dist, "json-schemas"), name, (await load(module))[exported]);
  const { RESULTS } = await load("commands/results.js");
  for (const [name, schema] of Object.entries(RESULTS))
    write(join(dist, "json-schemas", "results"), name, schema);
}

function write(folder, name, schema) {
  if (schema === undefined) throw new Error(`there is no schema to make ${name}.json of`);
  mkdirSync(folder, { recursive: true });
  // A check in code has no JSON Schema; the file is checked again when it is read.
  const written = toJsonSchema(schema, { target: "draft-07", typeMode: "output", ignoreActions: ["check"] });
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(written, null, 2)}\n`);
}
