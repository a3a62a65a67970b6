/** The package that this code belongs to, as it is installed. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);

/** The folder with the package's own package.json. */
export function packageFolder(): string {
  return dirname(require.resolve("wovtools/package.json"));
}

/** The package's version, such as `1.4.0`. */
export function packageVersion(): string {
  const { version }: { version: string } = JSON.parse(
    readFileSync(join(packageFolder(), "package.json"), "utf8"),
  );
  return version;
}
