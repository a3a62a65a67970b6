import picocolors from "picocolors";
import { type ExitStatus, WovError } from "../errors.js";
import { refusedBySystem } from "../files.js";

export type Colors = ReturnType<typeof picocolors.createColors>;

export interface OutputOptions {
  /** One JSON document on stdout, nothing else there. */
  readonly json: boolean;
  /** Nothing on stderr but errors. */
  readonly quiet: boolean;
  /** Whole errors, with what caused them. */
  readonly verbose: boolean;
}

/** After how long a terminal is told what is going on, in milliseconds. */
const PATIENCE_MS = 1000;

/** The only place that prints. Results go to stdout, all else to stderr; colour and progress only to a terminal. */
export class Output {
  /** For text on stdout. */
  readonly colors: Colors;
  #spinner: { text: string; stop(): unknown } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #clock: NodeJS.Timeout | undefined;
  #doing = "";
  /** When that began, as `performance.now` has it. */
  #since = 0;

  constructor(private readonly options: OutputOptions) {
    this.colors = picocolors.createColors(wantsColor(process.stdout));
  }

  /**
   * Prints a command's result.
   *
   * @param document what `--json` prints
   * @param text what a person reads; empty for nothing
   */
  result(document: unknown, text: (colors: Colors) => string): void {
    this.done();
    const body = this.options.json ? JSON.stringify(document, null, 2) : text(this.colors);
    if (body !== "") process.stdout.write(body.endsWith("\n") ? body : `${body}\n`);
  }

  /** Tells something beside the result. */
  note(text: string): void {
    this.done();
    if (!this.options.quiet) process.stderr.write(`${text}\n`);
  }

  /** Tells with `-v` only. */
  detail(text: string): void {
    if (this.options.verbose) this.note(text);
  }

  /** Says what is being done now: with `-v` in a line of its own; else a terminal sees it when it takes a while. */
  readonly progress = (text: string): void => {
    this.#doing = text;
    this.#since = performance.now();
    if (this.options.verbose) this.note(text);
    if (this.#spinner) this.#spinner.text = this.#doingFor();
    const { quiet, verbose } = this.options;
    if (this.#timer || quiet || verbose || !isInteractive(process.stderr)) return;
    this.#timer = setTimeout(() => void this.#spin(), PATIENCE_MS);
    this.#timer.unref();
  };

  /** Takes the progress off the screen. */
  done(): void {
    clearTimeout(this.#timer);
    clearInterval(this.#clock);
    this.#timer = undefined;
    this.#spinner?.stop();
    this.#spinner = undefined;
  }

  async #spin(): Promise<void> {
    const { default: yoctoSpinner } = await import("yocto-spinner");
    if (!this.#timer) return;
    const spinner = yoctoSpinner({ text: this.#doingFor(), stream: process.stderr }).start();
    this.#spinner = spinner;
    this.#clock = setInterval(() => (spinner.text = this.#doingFor()), 1000);
    this.#clock.unref();
  }

  /** What is being done, and for how long. */
  #doingFor(): string {
    return `${this.#doing}, ${Math.floor((performance.now() - this.#since) / 1000)} s`;
  }

  /** Prints what went wrong and returns the status to end with. */
  error(thrown: unknown): ExitStatus {
    this.done();
    const error = refusedBySystem(thrown) ?? thrown;
    const known = error instanceof WovError;
    const code = known ? error.code : "BUG";
    const message = error instanceof Error ? error.message : String(error);
    const where = known ? error.where : undefined;
    const hint = known
      ? error.hint
      : "This is a defect of wovtools. Run it again with -v and report what it prints:\n  https://github.com/woveon/wovtools/issues";
    // Anything that escapes unforeseen is no answer about a database, so it must not look like one.
    const exitStatus = known ? error.exitStatus : 2;
    if (this.options.json) {
      process.stdout.write(
        `${JSON.stringify({ error: { code, message, where, hint }, exitStatus }, null, 2)}\n`,
      );
    } else {
      process.stderr.write(
        formatError({ message, where, hint }, picocolors.createColors(wantsColor(process.stderr))),
      );
    }
    if (this.options.verbose) process.stderr.write(`${stackOf(error)}\n`);
    return exitStatus;
  }
}

function formatError(
  error: { message: string; where: string | undefined; hint: string | undefined },
  colors: Colors,
): string {
  const indent = (text: string) => text.replaceAll(/^/gm, "  ");
  const lines = [`${colors.red("error")} ${error.message}`];
  if (error.where) lines.push(indent(colors.dim(error.where)));
  if (error.hint) lines.push(indent(error.hint));
  return `${lines.join("\n")}\n`;
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `\ncaused by: ${stackOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}

/** https://no-color.org, https://force-color.org */
function wantsColor(stream: NodeJS.WriteStream): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  if (NO_COLOR) return false;
  if (FORCE_COLOR) return FORCE_COLOR !== "0";
  return stream.isTTY === true && TERM !== "dumb";
}

function isInteractive(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY === true && process.env.TERM !== "dumb" && !process.env.CI;
}
