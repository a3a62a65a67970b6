// Compiles src/ to dist/ from nothing, so that a file taken out of src/ is gone from dist/ too.
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeJsonSchemas } from "./json-schemas.js";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const typescript = dirname(createRequire(import.meta.url).resolve("typescript/package.json"));

rmSync(join(root, "dist"), { recursive: true, force: true });
execFileSync(process.execPath, [join(typescript, "bin", "tsc"), "-p", root], { stdio: "inherit" });
const bins = join(root, "dist", "cli");
for (const file of existsSync(bins) ? readdirSync(bins) : []) {
  if (file.startsWith("wo") && file.endsWith(".js")) chmodSync(join(bins, file), 0o755);
}
await writeJsonSchemas(join(root, "dist"));
