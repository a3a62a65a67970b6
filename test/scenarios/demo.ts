/**
 * The story of wovtools on a throw-away repository and the embedded server: every step is the command that a user
 * types and what it really prints. Ends with 0 only if every step did what it says.
 */
import { copyFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import picocolors from "picocolors";
import { type Ended, PACKAGE, TestProject } from "../support/project.js";

interface Step {
  /** Why, in a line. */
  readonly tell?: string;
  readonly command: readonly [string, ...string[]];
  readonly input?: string;
  /** The status that the command has to end with; 0 unless given. */
  readonly status?: number;
  /** What its output has to say. */
  readonly says?: readonly RegExp[];
}

const ADD_NOTE = "ALTER TABLE shop.orders ADD COLUMN note text;";

const STORY: readonly Step[] = [
  {
    tell: "A repository becomes a project. Without a database of yours, a PostgreSQL of the package's own serves.",
    command: ["wov", "init", "--database", "shopdb"],
    says: [/made\s+wovtools\/config\.json/, /core\.hooksPath/],
  },
  { command: ["wov-db", "shopdb", "--postgres-start"], says: [/started: postgres@127\.0\.0\.1/] },
  { command: ["wov-db", "shopdb", "--wdb-createinstance"], says: [/shopdb on local: made/] },
  { command: ["wov-db", "shopdb", "-f", "shop.sql"] },
  { command: ["git", "add", "."] },
  { command: ["git", "commit", "--quiet", "-m", "A shop"] },
  {
    tell: "What the database holds becomes the first version, and the push goes through.",
    command: ["wov-push-db", "--snapshot", "shopdb", "initial"],
    says: [/archived shopdb 1\.0\.0 as the first version/],
  },
  { command: ["git", "push", "--quiet", "-u", "origin", "main"] },
  {
    tell: "A column is added by hand. Nobody writes it down.",
    command: ["wov-db", "shopdb", "-c", ADD_NOTE],
    says: [/done/],
  },
  { command: ["npm", "version", "1.1.0", "--no-git-tag-version"] },
  { command: ["git", "commit", "--quiet", "-am", "Orders have notes"] },
  {
    tell: "The push would carry code that needs a column which the repository does not know: it is stopped.",
    command: ["git", "push"],
    status: 1,
    says: [/blocked shopdb/, /changed\s+table\s+shop\.orders/, /column note added/, /wov-push-db shopdb/],
  },
  {
    tell: "The change is written down ...",
    command: ["tee", "wovtools/db/shopdb.deltas"],
    input: `-- What a customer wants us to know.\n${ADD_NOTE}\n`,
  },
  {
    tell: "... and archived with the schema it leads to, in a commit of its own.",
    command: ["wov-push-db"],
    says: [/archived shopdb 1\.1\.0 after 1\.0\.0/],
  },
  { command: ["git", "push", "--quiet"] },
  { command: ["wov", "status"], says: [/project version 1\.1\.0/, /local\s+1\.1\.0\s+no drift/] },
  { command: ["git", "log", "--oneline", "--stat", "-1"], says: [/wovtools: archive shopdb 1\.1\.0/] },
];

const colors = picocolors.createColors(process.stdout.isTTY === true && !process.env.NO_COLOR);

function show(step: Step, { output }: Ended): void {
  const words = step.command.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `"${word}"`));
  if (step.tell) console.log(`\n${colors.dim(`# ${step.tell}`)}`);
  console.log(
    `${colors.cyan("$")} ${colors.bold(words.join(" "))}${step.input === undefined ? "" : colors.dim("   (typed in)")}`,
  );
  if (output !== "") console.log(output.trimEnd());
}

function problemOf(step: Step, { status, output }: Ended): string | undefined {
  const wanted = step.status ?? 0;
  if (status !== wanted) return `ended with ${status} instead of ${wanted}`;
  const missing = step.says?.find((words) => !words.test(output));
  return missing === undefined ? undefined : `did not say ${missing}`;
}

async function tellStory(project: TestProject): Promise<boolean> {
  await project.addRemote();
  await copyFile(join(PACKAGE, "wovtools/db/shopdb/schemas/1.0.0.schema"), join(project.root, "shop.sql"));
  for (const step of STORY) {
    const [program, ...args] = step.command;
    const env = process.stdout.isTTY ? { FORCE_COLOR: "1" } : {};
    const ended = await project.run(program, args, {
      env,
      ...(step.input !== undefined && { input: step.input }),
    });
    show(step, ended);
    const problem = problemOf(step, ended);
    if (problem === undefined) continue;
    console.error(`\n${colors.red("the demo failed")}: ${step.command.join(" ")} ${problem}`);
    return false;
  }
  return true;
}

async function main(): Promise<void> {
  const project = await TestProject.create();
  try {
    if (await tellStory(project)) console.log(`\n${colors.green("Every step did what it says.")}`);
    else process.exitCode = 1;
  } finally {
    const { stdout } = await project.run("wov-db", ["shopdb", "--postgres-stop", "--json"]);
    const stopped: { dataDir?: string } = JSON.parse(stdout || "{}");
    if (stopped.dataDir) await rm(dirname(stopped.dataDir), { recursive: true, force: true });
    await project.remove();
  }
}

await main();
