/** The explanations of squawk, a linter for PostgreSQL, of what is dangerous on a database in use. */
import { createRequire } from "node:module";
import * as v from "valibot";
import { ConfigError } from "../../errors.js";
import { linesOf } from "../position.js";
import type { Statement } from "../report.js";

export interface SquawkWarning {
  /** squawk's name of the rule, e.g. `ban-drop-column`; https://squawkhq.com/docs/rules explains each. */
  readonly rule: string;
  readonly message: string;
  /** What squawk proposes instead. */
  readonly help: string | null;
  /** Counted from 1; columns are code points. */
  readonly line: number;
  readonly column: number;
}

const Report = v.array(
  v.object({
    rule_name: v.string(),
    message: v.string(),
    help: v.nullable(v.string()),
    line: v.number(),
    column: v.number(),
  }),
);

/** Rules of style, and those about what a deploy sees to by itself: time limits, transactions, being run once. */
const LEFT_OUT =
  /^(?:prefer-.*|require-.*timeout.*|require-table-schema|require-enum-value-ordering|ban-char-field|transaction-nesting|ban-uncommitted-transaction|ban-concurrent-index-creation-in-transaction|syntax-error)$/;

/**
 * Asks squawk about deltas. Comments such as `-- squawk-ignore ban-drop-column` are heeded, and so is a
 * `.squawk.toml` in this process's folder.
 *
 * @param text the whole deltas
 * @param serverVersion major version of the server that they are for
 * @returns in the order of the text; null where squawk is not installed: it is an optional dependency
 * @throws ConfigError `SQUAWK_FAILED` where it is installed and does not run
 */
export async function squawkWarnings(text: string, serverVersion?: number): Promise<SquawkWarning[] | null> {
  const binary = findSquawk();
  if (binary === null) return null;
  const version = serverVersion === undefined ? [] : [`--pg-version=${serverVersion}.0`];
  const output = await run(binary, ["--reporter", "json", ...version], text);
  const lines = linesOf(text);
  return v
    .parse(Report, JSON.parse(output))
    .filter(({ rule_name }) => !LEFT_OUT.test(rule_name))
    .map(({ rule_name: rule, message, help, line, column }) => {
      // squawk counts from 0, and columns in bytes.
      const before = Buffer.from(lines.line(line + 1))
        .subarray(0, column)
        .toString();
      return { rule, message, help, line: line + 1, column: [...before].length + 1 };
    });
}

/** The warnings of each statement, in the order of the statements. */
export function byStatement(
  statements: readonly Pick<Statement, "line" | "column">[],
  warnings: readonly SquawkWarning[],
): SquawkWarning[][] {
  const found = statements.map((): SquawkWarning[] => []);
  for (const warning of warnings) {
    const index = statements.findLastIndex(
      ({ line, column }) => line < warning.line || (line === warning.line && column <= warning.column),
    );
    found[index]?.push(warning);
  }
  return found;
}

/** squawk's program lies in a package of its own for each platform. */
function findSquawk(): string | null {
  const program = process.platform === "win32" ? "squawk.exe" : "squawk";
  try {
    const squawk = createRequire(import.meta.url).resolve("squawk-cli/package.json");
    return createRequire(squawk).resolve(`@squawk-cli/${process.platform}-${process.arch}/bin/${program}`);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "MODULE_NOT_FOUND") return null;
    throw error;
  }
}

/** It ends with 1 where it has something to say, so that its output tells whether it ran. */
async function run(binary: string, args: readonly string[], input: string): Promise<string> {
  const { spawn } = await import("node:child_process");
  const { text } = await import("node:stream/consumers");
  const failed = (cause: unknown) =>
    new ConfigError("SQUAWK_FAILED", "squawk does not run.", {
      where: binary,
      hint: "Install it anew, or take it away:\n  npm install squawk-cli\n  npm uninstall squawk-cli",
      cause,
    });
  try {
    const child = spawn(binary, args, { stdio: ["pipe", "pipe", "ignore"] });
    const started = new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", reject);
    });
    await started;
    // It may end before it has read everything.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
    const output = await text(child.stdout);
    JSON.parse(output);
    return output;
  } catch (error) {
    throw failed(error);
  }
}
