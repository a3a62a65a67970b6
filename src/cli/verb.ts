import type { ArgumentsCamelCase, Argv } from "yargs";
import type { CommandOptions } from "../commands/session.js";
import type { ExitStatus } from "../errors.js";
import { Output } from "./output.js";

/** The options that every command has. */
export interface GlobalArguments {
  readonly stage: string | undefined;
  readonly url: string | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
}

type Options<Parsed> = (yargs: Argv<GlobalArguments>) => Argv<Parsed>;

/** What a verb's `run` gets, by its `options`. */
export type ArgumentsOf<Builder> = Builder extends Options<infer Parsed> ? ArgumentsCamelCase<Parsed> : never;

/** A command of the command line: its words, its options, and what it runs. */
export interface Verb<Parsed> {
  /** As yargs has it, e.g. `hash <source>`. */
  readonly command: string;
  readonly describe: string;
  /** Adds the options and the examples. */
  readonly options: Options<Parsed>;
  /** Runs the command, prints its result, returns the status to end with. */
  readonly run: (args: ArgumentsCamelCase<Parsed>, output: Output) => Promise<ExitStatus>;
}

/** Adds itself to a program under the words given; `onEnd` gets the status. */
export type RegisteredVerb = (
  yargs: Argv<GlobalArguments>,
  words: (command: string) => string,
  onEnd: (status: ExitStatus) => void,
) => Argv<GlobalArguments>;

/** Makes a verb ready for a program: its errors are printed and become the exit status. */
export function verb<Parsed>({ command, describe, options, run }: Verb<Parsed>): RegisteredVerb {
  return (yargs, words, onEnd) =>
    yargs.command(words(command), describe, options, async (args) => {
      const output = new Output({
        json: args.json === true,
        quiet: args.quiet === true,
        verbose: args.verbose === true,
      });
      try {
        onEnd(await run(args, output));
      } catch (error) {
        onEnd(output.error(error));
      } finally {
        output.done();
      }
    });
}

/** What a command's function is told by the global options. */
export function commandOptions(args: Pick<GlobalArguments, "stage" | "url">, output: Output): CommandOptions {
  return { stage: args.stage, url: args.url, progress: output.progress };
}
