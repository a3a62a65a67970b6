/** The user's editor. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { ConfigError } from "../../errors.js";

const STANDARD_ERROR = 2;

/** The command that opens it: a program and its arguments, e.g. `code` and `--wait`. */
export interface Editor {
  readonly command: string;
  readonly program: string;
  readonly args: readonly string[];
}

/**
 * Finds the editor in `$VISUAL` or `$EDITOR`.
 *
 * @param file what is to be edited, for the message
 * @throws ConfigError `NO_EDITOR`
 */
export function editorOf(env: NodeJS.ProcessEnv, file: string): Editor {
  const command = env.VISUAL || env.EDITOR || "";
  const [program, ...args] = wordsOf(command);
  if (program !== undefined) return { command, program, args };
  throw new ConfigError("NO_EDITOR", "No editor is set.", {
    where: file,
    hint: "Set VISUAL or EDITOR, or edit the file by hand.",
  });
}

/**
 * Cuts a command as a shell would: at white space that is not in quotes.
 *
 * @example wordsOf("'/opt/my editor/ed' --wait") // → ["/opt/my editor/ed", "--wait"]
 */
function wordsOf(command: string): string[] {
  const words = command.match(/(?:[^\s"']|"[^"]*"|'[^']*'|["'])+/g) ?? [];
  return words.map((word) => word.replaceAll(/"([^"]*)"|'([^']*)'/g, "$1$2"));
}

/**
 * Opens a file, and waits for the end of the editor.
 *
 * @param apart what it prints goes to standard error
 * @throws ConfigError `EDITOR_FAILED`
 */
export async function openEditor(
  { command, program, args }: Editor,
  file: string,
  apart: boolean,
): Promise<void> {
  const failed = (message: string, cause?: unknown) =>
    new ConfigError("EDITOR_FAILED", message, {
      where: command,
      hint: `What was written stands in the file:\n  ${file}`,
      cause,
    });
  const child = spawn(program, [...args, file], {
    stdio: ["inherit", apart ? STANDARD_ERROR : "inherit", "inherit"],
  });
  const [status] = await once(child, "exit").catch((cause: unknown) => {
    throw failed("The editor could not be started.", cause);
  });
  if (status !== 0) throw failed("The editor ended with an error, so nothing was checked.");
}
