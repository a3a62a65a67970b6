/** docs/tutorial.md is true: its commands are run one after the other, and print what it says that they print. */
import { readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { PACKAGE, TestProject } from "../support/project.js";

const tutorial = await readFile(join(PACKAGE, "docs/tutorial.md"), "utf8");

interface Step {
  readonly command: string;
  /** What the tutorial shows; empty where it shows nothing, since it does not matter. */
  readonly output: string;
}

function stepsOf(text: string): Step[] {
  const blocks = [...text.matchAll(/^```console\n([\s\S]*?)^```$/gm)].map(([, block = ""]) => block);
  return blocks
    .flatMap((block) => block.split(/^\$ /m).slice(1))
    .map((step) => {
      const [command = "", ...output] = step.trimEnd().split("\n");
      return { command, output: output.join("\n") };
    });
}

/** What has to be done before a command and goes without saying for a reader, or is done in another way here. */
const BEFORE: readonly (readonly [command: RegExp, script: string])[] = [
  [/^cd shop$/, "git -C shop config user.name Dana"],
  [/^git clone /, "cd .."],
  [/-c "CREATE INDEX/, "cd ../shop"],
  [/^git pull/, "cd ../shop-eve"],
];
const INSTEAD: readonly (readonly [command: RegExp, script: string])[] = [
  [/^npm install --save-dev/, ":"],
  [/^npm install$/, "mkdir node_modules; ln -s ../../shop/node_modules/{.bin,wovtools} node_modules/"],
];

const MARK = "=== step";

function scriptOf(steps: readonly Step[]): string {
  const matching = (list: typeof BEFORE, command: string) =>
    list.find(([pattern]) => pattern.test(command))?.[1];
  return steps
    .map(({ command }) =>
      [matching(BEFORE, command) ?? "", `echo "${MARK}"`, matching(INSTEAD, command) ?? command].join("\n"),
    )
    .join("\n");
}

/** Ports, hashes and times are others each time. */
function withoutChance(text: string): string {
  return text
    .replaceAll(/127\.0\.0\.1:\d+/g, "127.0.0.1:PORT")
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?/g, "TIME")
    .replaceAll(/\b[0-9a-f]{7,64}\b/g, "HASH")
    .replaceAll(/[ \t]+$/gm, "")
    .trim();
}

const test = suite<{ project?: TestProject }>("docs/tutorial.md");

test.before(async (context) => {
  context.project = await TestProject.create();
});

test.after(async ({ project }) => {
  if (project === undefined) return;
  for (const name of ["shop", "shop-eve"]) {
    const cwd = join(project.folder, name);
    const { stdout } = await project.run("wov-db", ["shopdb", "--postgres-stop", "--json"], { cwd });
    const { dataDir }: { dataDir?: string } = JSON.parse(stdout || "{}");
    if (dataDir) await rm(dirname(dataDir), { recursive: true, force: true });
  }
  await project.remove();
});

test("prints what it says", async ({ project }) => {
  if (project === undefined) throw new Error("there is no project");
  const steps = stepsOf(tutorial);
  assert.ok(steps.length > 30, "the steps are found");
  const [, sql = ""] = /^```sql\n([\s\S]*?)^```$/m.exec(tutorial) ?? [];
  await project.write("shop.sql", sql);
  // Through one pipe: through two, an error may be read after what was printed next.
  await writeFile(join(project.folder, "tutorial.sh"), `exec 2>&1\n${scriptOf(steps)}`);
  const { stdout } = await project.run("bash", ["tutorial.sh"], {
    cwd: project.folder,
    env: { GIT_CONFIG_COUNT: "1", GIT_CONFIG_KEY_0: "init.defaultBranch", GIT_CONFIG_VALUE_0: "main" },
  });
  const printed = stdout.split(`${MARK}\n`).slice(1);
  assert.is(printed.length, steps.length);
  for (const [index, { command, output: told }] of steps.entries()) {
    if (told !== "") assert.is(withoutChance(printed[index] ?? ""), withoutChance(told), command);
  }
});

test.run();
