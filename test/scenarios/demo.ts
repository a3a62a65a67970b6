/**
 * The story of wovtools on a throw-away repository and the embedded server: every step is the command that a user
 * types and what it really prints. Ends with 0 only if every step did what it says.
 */
import { chmod, copyFile, readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import picocolors from "picocolors";
import { type Ended, PACKAGE, TestProject } from "../support/project.js";

interface Step {
  /** Why, in a line. */
  readonly tell?: string;
  readonly command: readonly [string, ...string[]];
  /** What happens off stage. */
  readonly before?: (cast: Cast) => Promise<void>;
  readonly input?: string;
  /** Whose clone it is typed in; Dana's unless given. */
  readonly who?: "Eve";
  /** The status that the command has to end with; 0 unless given. */
  readonly status?: number;
  /** What its output has to say. */
  readonly says?: readonly RegExp[];
}

const ADD_NOTE =
  "ALTER TABLE shop.orders ADD COLUMN note text; CREATE INDEX orders_note_idx ON shop.orders (note)";
const ADD_PHONE = "ALTER TABLE shop.customers ADD COLUMN phone text;";
const WIDEN_PRICE = "ALTER TABLE shop.products ALTER COLUMN price TYPE numeric(12,2);";
const CATALOGUE = "wovtools/db/shopdb/objects/views/shop.catalogue.sql";
const CATALOGUE_WITH_TAGS = `CREATE OR REPLACE VIEW shop.catalogue AS
 SELECT id,
    sku,
    title,
    price,
    tags
   FROM shop.products
  WHERE (price > (0)::numeric);

GRANT SELECT ON TABLE shop.catalogue TO PUBLIC;
`;
const ADD_WEIGHT = "ALTER TABLE shop.products ADD COLUMN weight numeric;";

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
    tell: "A column and an index are added by hand. Nobody writes them down.",
    command: ["wov-db", "shopdb", "-c", ADD_NOTE],
    says: [/2 statements done/],
  },
  { command: ["npm", "version", "1.1.0", "--no-git-tag-version"] },
  { command: ["git", "commit", "--quiet", "-am", "Orders have notes"] },
  {
    tell: "The push would carry code that needs a column which the repository does not know: it is stopped.",
    command: ["git", "push"],
    status: 1,
    says: [/changed\s+table\s+shop\.orders/, /column note added/, /wov-db shopdb --wdb-deltas/],
  },
  {
    tell: "The SQL that does the same is written, tried on a shadow, and there to be read ...",
    command: ["wov-db", "shopdb", "--wdb-deltas"],
    says: [/ADD COLUMN "?note"? text/, /CREATE INDEX orders_note_idx/, /proven on a shadow/],
  },
  {
    tell: "... and is archived with the schema it leads to, in a commit of its own.",
    command: ["wov-push-db"],
    says: [/archived shopdb 1\.1\.0 after 1\.0\.0/],
  },
  { command: ["git", "push", "--quiet"] },
  { command: ["wov", "status"], says: [/project version 1\.1\.0/, /local\s+1\.1\.0\s+no drift/] },
  { command: ["git", "log", "--oneline", "--stat", "-1"], says: [/wovtools: archive shopdb 1\.1\.0/] },
  {
    tell: "Production is a stage with secrets of its own. Its database is empty; a deploy brings it to the release.",
    before: addProd,
    command: ["wov-deploy", "--stage", "prod", "--plan"],
    says: [/shopdb empty → 1\.1\.0/],
  },
  { command: ["wov-deploy", "--stage", "prod"], says: [/deployed shopdb empty → 1\.1\.0/] },
  {
    tell: "Somebody mends something in production by hand. The next deploy finds it and stops before it does anything.",
    command: ["wov-db", "--stage", "prod", "-c", "ALTER TABLE shop.products ADD COLUMN on_sale boolean"],
  },
  {
    command: ["wov-deploy", "--stage", "prod"],
    status: 1,
    says: [/changed\s+table\s+shop\.products/, /column on_sale added/],
  },
  { command: ["wov-db", "--stage", "prod", "-c", "ALTER TABLE shop.products DROP COLUMN on_sale"] },
  {
    tell: "Views, functions and policies change more often than tables. Each is given a script of its own.",
    command: ["wo", "import", "shopdb@head", "--without", "tables", "--dir", "wovtools/db/shopdb/objects"],
    says: [/imported shopdb@head into wovtools\/db\/shopdb\/objects/, /2 functions\//, /views\//],
  },
  {
    tell: "The catalogue is to show tags, and the prices below it are to be larger. PostgreSQL refuses that while the view is there.",
    command: ["tee", CATALOGUE],
    input: CATALOGUE_WITH_TAGS,
  },
  {
    command: ["wov-db", "shopdb", "-c", WIDEN_PRICE],
    status: 1,
    says: [/cannot alter type of a column used by a view/],
  },
  { command: ["wov-db", "shopdb", "-c", `DROP VIEW shop.catalogue; ${WIDEN_PRICE}`] },
  { command: ["wov-db", "shopdb", "-f", CATALOGUE] },
  {
    tell: "The deltas say what becomes of the table, and not a word of the view.",
    command: ["tee", "wovtools/db/shopdb.deltas"],
    input: `${WIDEN_PRICE}\n`,
  },
  { command: ["npm", "version", "1.2.0", "--no-git-tag-version"] },
  { command: ["git", "add", "package.json", "wovtools/db/shopdb/objects"] },
  { command: ["git", "commit", "--quiet", "-m", "Larger prices, and a catalogue with tags"] },
  { command: ["wov-push-db"], says: [/archived shopdb 1\.2\.0 after 1\.1\.0 {2}\(proven/] },
  { command: ["git", "push", "--quiet"] },
  {
    tell: "A deploy drops the view, alters the table, and makes the view as its script says, in one transaction.",
    command: ["wov-deploy", "--stage", "prod", "--plan"],
    says: [/shopdb 1\.1\.0 → 1\.2\.0, in one transaction/, /remake\s+view shop\.catalogue/],
  },
  {
    command: ["wov-deploy", "--stage", "prod"],
    says: [/deployed shopdb 1\.1\.0 → 1\.2\.0/, /(replace|remake)\s+view shop\.catalogue/],
  },
  { command: ["wov", "status"], says: [/local\s+1\.2\.0\s+no drift/, /prod\s+1\.2\.0\s+no drift/] },
  {
    tell: "Eve and Dana archive a version each, without knowing of the other's. Eve:",
    before: addEve,
    who: "Eve",
    command: ["wov-db", "shopdb", "-c", ADD_PHONE],
  },
  { who: "Eve", command: ["tee", "wovtools/db/shopdb.deltas"], input: `${ADD_PHONE}\n` },
  { who: "Eve", command: ["npm", "version", "1.4.0", "--no-git-tag-version"] },
  { who: "Eve", command: ["git", "commit", "--quiet", "-am", "Customers have phones"] },
  { who: "Eve", command: ["wov-push-db"], says: [/archived shopdb 1\.4\.0 after 1\.2\.0/] },
  { tell: "Dana, who pushes first:", command: ["wov-db", "shopdb", "-c", ADD_WEIGHT] },
  { command: ["tee", "wovtools/db/shopdb.deltas"], input: `${ADD_WEIGHT}\n` },
  { command: ["npm", "version", "1.3.0", "--no-git-tag-version"] },
  { command: ["git", "commit", "--quiet", "-am", "Products have weights"] },
  { command: ["wov-push-db"], says: [/archived shopdb 1\.3\.0 after 1\.2\.0/] },
  { command: ["git", "push", "--quiet"] },
  {
    tell: "Eve merges. Both versions follow 1.2.0: the history is forked, and git sees a conflict in it and in package.json.",
    who: "Eve",
    command: ["git", "pull", "--quiet", "--no-rebase", "--no-edit"],
    status: 1,
  },
  { who: "Eve", command: ["git", "checkout", "--ours", "package.json"] },
  { who: "Eve", command: ["git", "add", "package.json"] },
  {
    tell: "One command resolves the history and, once the merge is committed, puts Eve's version behind Dana's, tried on a shadow first.",
    who: "Eve",
    command: ["wov-db", "shopdb", "--rebase"],
    status: 1,
    says: [/git commit|git merge --continue/],
  },
  { who: "Eve", command: ["git", "commit", "--quiet", "--no-edit"] },
  { who: "Eve", command: ["wov-db", "shopdb", "--rebase"], says: [/rebased shopdb/] },
  { who: "Eve", command: ["git", "push", "--quiet"] },
  { who: "Eve", command: ["wov-deploy", "--stage", "prod"], says: [/deployed shopdb 1\.2\.0 →/] },
  { who: "Eve", command: ["wov", "status"], says: [/local\s+\S+\s+no drift/, /prod\s+\S+\s+no drift/] },
];

const colors = picocolors.createColors(process.stdout.isTTY === true && !process.env.NO_COLOR);

function show(step: Step, { output }: Ended): void {
  const words = step.command.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `"${word}"`));
  if (step.tell) console.log(`\n${colors.dim(`# ${step.tell}`)}`);
  console.log(
    `${step.who === undefined ? "" : `${step.who} `}${colors.cyan("$")} ${colors.bold(words.join(" "))}${step.input === undefined ? "" : colors.dim("   (typed in)")}`,
  );
  if (output !== "") console.log(output.trimEnd());
}

function problemOf(step: Step, { status, output }: Ended): string | undefined {
  const wanted = step.status ?? 0;
  if (status !== wanted) return `ended with ${status} instead of ${wanted}`;
  const missing = step.says?.find((words) => !words.test(output));
  return missing === undefined ? undefined : `did not say ${missing}`;
}

/** The developers' clones; Eve's is made when the story comes to her. */
interface Cast {
  readonly dana: TestProject;
  eve?: TestProject;
}

async function tellStory(cast: Cast): Promise<boolean> {
  const { dana } = cast;
  await dana.addRemote();
  await copyFile(join(PACKAGE, "wovtools/db/shopdb/schemas/1.0.0.schema"), join(dana.root, "shop.sql"));
  for (const step of STORY) {
    await step.before?.(cast);
    const [program, ...args] = step.command;
    const env = process.stdout.isTTY ? { FORCE_COLOR: "1" } : {};
    const project = step.who === "Eve" && cast.eve ? cast.eve : dana;
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

/** Makes an empty database on the demo's server. */
async function makeDatabase(dana: TestProject, name: string): Promise<void> {
  const { status, output } = await dana.run("wov-db", ["shopdb", "-c", `CREATE DATABASE ${name}`]);
  if (status !== 0) throw new Error(output);
}

/** The secrets by which a clone reaches a database of the demo's server on a stage: Dana's own, with another name. */
async function giveSecrets(
  dana: TestProject,
  clone: TestProject,
  stage: string,
  database: string,
): Promise<void> {
  const folder = "wovtools/secrets";
  const shared = await readFile(join(dana.root, folder, "shopdb.json"), "utf8");
  const own: { shopdb: object } = JSON.parse(
    await readFile(join(dana.root, folder, "shopdb_local.json"), "utf8"),
  );
  const files = {
    "shopdb.json": shared,
    [`shopdb_${stage}.json`]: JSON.stringify({ shopdb: { ...own.shopdb, database } }),
  };
  for (const [file, content] of Object.entries(files)) {
    await clone.write(`${folder}/${file}`, content);
    await chmod(join(clone.root, folder, file), 0o600);
  }
}

async function addProd({ dana }: Cast): Promise<void> {
  await makeDatabase(dana, "shopdb_prod");
  await giveSecrets(dana, dana, "prod", "shopdb_prod");
}

/** Eve's clone, with a database of her own that is at the newest version. */
async function addEve(cast: Cast): Promise<void> {
  const eve = await cast.dana.clone("Eve");
  cast.eve = eve;
  await makeDatabase(cast.dana, "shopdb_eve");
  await giveSecrets(cast.dana, eve, "local", "shopdb_eve");
  await giveSecrets(cast.dana, eve, "prod", "shopdb_prod");
  for (const args of [["init"], ["db", "--wdb-createinstance"]]) {
    const { status, output } = await eve.wov(...args);
    if (status !== 0) throw new Error(output);
  }
}

async function main(): Promise<void> {
  const dana = await TestProject.create();
  try {
    if (await tellStory({ dana })) console.log(`\n${colors.green("Every step did what it says.")}`);
    else process.exitCode = 1;
  } finally {
    const { stdout } = await dana.run("wov-db", ["shopdb", "--postgres-stop", "--json"]);
    const stopped: { dataDir?: string } = JSON.parse(stdout || "{}");
    if (stopped.dataDir) await rm(dirname(stopped.dataDir), { recursive: true, force: true });
    await dana.remove();
  }
}

await main();
