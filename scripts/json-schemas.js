// Writes the JSON Schemas of the files that people and programs read, made from the schemas that the code itself
// checks with. Needs dist/ to be compiled.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { toJsonSchema } from "@valibot/to-json-schema";

/** Name of the JSON Schema, compiled module, exported schema. */
const SCHEMAS = [
  ["config", "config/schemas.js", "ConfigFile"],
  ["secrets", "config/schemas.js", "SecretsFile"],
  ["history", "archive/history.js", "HistoryFile"],
];

/**
 * Writes `json-schemas/NAME.json` into a compiled tree.
 *
 * @param {string} dist the folder that the compiler writes to
 */
export async function writeJsonSchemas(dist) {
  const folder = join(dist, "json-schemas");
  mkdirSync(folder, { recursive: true });
  for (const [name, module, exported] of SCHEMAS) {
    const schema = (await import(pathToFileURL(join(dist, module)).href))[exported];
    if (schema === undefined) throw new Error(`${module} has no export ${exported}`);
    // A check in code has no JSON Schema; the file is checked again when it is read.
    const written = toJsonSchema(schema, {
      target: "draft-07",
      typeMode: "output",
      ignoreActions: ["check"],
    });
    writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(written, null, 2)}\n`);
  }
}
