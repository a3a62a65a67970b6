import { HOOKS } from "./facts.js";

/**
 * Our part of a lefthook configuration, which the project's own one extends: that file then changes by a line,
 * and by none when the package is updated.
 *
 * @param folder where our hooks lie, from the top of the work tree
 */
export function ourLefthook(folder: string): string {
  const hooks = HOOKS.map((name) => {
    // lefthook puts {0} into the command unquoted, and pre-push has the remote's URL there; it needs no argument.
    const args = name === "pre-push" || name === "pre-commit" ? "" : " {0}";
    const run = JSON.stringify(`sh '${`${folder}/${name}`.replaceAll("'", "'\\''")}'${args}`);
    const stdin = name === "pre-push" ? "      use_stdin: true\n" : "";
    return `${name}:\n  commands:\n    wovtools:\n${stdin}      run: ${run}\n`;
  });
  return `# Written by wov init. The project's lefthook configuration extends this file.\n${hooks.join("")}`;
}

/**
 * Lets a lefthook configuration extend another file, keeping everything else in it as it is.
 *
 * @param file its name, whose ending tells the format
 * @param text its content; empty where there is none yet
 * @param other the file to extend, from the top of the work tree
 * @returns the new content, the same where it extends the file already, undefined where its form is not one
 * that can be edited without knowing all of the format
 */
export function extendLefthook(file: string, text: string, other: string): string | undefined {
  if (file.endsWith(".json")) return extendJson(text, other);
  return file.endsWith(".toml") ? extendToml(text, other) : extendYaml(text, other);
}

function extendYaml(text: string, other: string): string | undefined {
  const item = JSON.stringify(other);
  const listed = text.split(/\r?\n/).map((line) => line.trim());
  if ([`- ${other}`, `- ${item}`, `- '${other}'`].some((line) => listed.includes(line))) return text;
  // A flow mapping or several documents: what is added at the end would not be part of the first one.
  if (/^[{[]|^(?:---|\.\.\.)[ \t]*$/m.test(text)) return undefined;
  if (!/^["']?extends\b/m.test(text)) {
    const gap = text === "" || text.endsWith("\n") ? "" : "\n";
    return `${text}${gap}extends:\n  - ${item}\n`;
  }
  const list = /^extends:[ \t]*(?:#[^\n]*)?\r?\n(?=([ \t]*)- )/m.exec(text);
  if (list === null) return undefined;
  const at = list.index + list[0].length;
  return `${text.slice(0, at)}${list[1] ?? ""}- ${item}\n${text.slice(at)}`;
}

function extendToml(text: string, other: string): string | undefined {
  const line = `extends = [${JSON.stringify(other)}]\n`;
  if (text.includes(line)) return text;
  // A key of the top level has to stand before the first table.
  return /^\s*["']?extends\b/m.test(text) ? undefined : line + text;
}

function extendJson(text: string, other: string): string | undefined {
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch {
    // Not to be edited, since it cannot be read: a person is told what to add.
    return undefined;
  }
  if (typeof config !== "object" || config === null || Array.isArray(config)) return undefined;
  const listed: unknown = "extends" in config ? config.extends : [];
  if (!Array.isArray(listed)) return undefined;
  if (listed.includes(other)) return text;
  const indent = /^[ \t]+/m.exec(text)?.[0] ?? "  ";
  return `${JSON.stringify({ ...config, extends: [...listed, other] }, null, indent)}\n`;
}
