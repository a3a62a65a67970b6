/** Options that contradict each other are refused, and those that do not are taken, whatever the command. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { atOnce } from "#src/at-once.js";
import { ADD_NOTE, inShop, type Shop } from "../commands/support.js";

type Line = readonly [command: string, says: RegExp | null];

const URL = "postgres://dana:hush@127.0.0.1:1/shop";

/** null: they go together. */
const LINES: readonly Line[] = [
  // An option and its opposite, in every command; an option twice with two values.
  ["wov-deploy --rehearse --no-rehearse", /--rehearse and --no-rehearse do not go together/],
  ["wov-push-db --no-proof --proof", /--proof and --no-proof do not go together/],
  ["wo drop --no-joke --joke", /--joke and --no-joke do not go together/],
  ["wov-deploy --stage local --stage prod --plan", /--stage is given twice, and not the same/],
  [`wov status --url ${URL} --url ${URL}x`, /--url is given twice, and not the same/],
  ["wov-deploy --plan-id a --plan-id b", /--plan-id is given twice/],
  ["wov-db -c A -c B", /-c is given twice/],
  ["wov status --stage local --stage local --json --json", null],
  // A deploy. What shows a plan takes whatever the deploy takes, but for what it would have to leave undone.
  ["wov-deploy --plan --dry-run", /--plan and --dry-run do not go together/],
  ["wov-deploy --plan --rehearse", /--plan and --rehearse do not go together/],
  ["wov-deploy --dry-run --no-rehearse", /--dry-run and --no-rehearse do not go together/],
  ["wov-deploy --plan --no-rehearse --accept-drift --jobs 2 --wait 1 --lock-timeout 1", null],
  ["wov-deploy --plan --baseline 1.1.0 --pver 1.1.0 --accept-drift", null],
  [`wov-deploy --stage a,b --url ${URL}`, /--url is of one server/],
  // Looking beside archiving.
  ["wov-push-db --check --log", /--check and --log do not go together/],
  ["wov-push-db --check --snapshot shopdb initial", /--check and --snapshot do not go together/],
  ["wov-push-db --checksum --log", /--checksum and --log do not go together/],
  ["wov-push-db --check --proof", /--check and --proof do not go together/],
  ["wov-push-db --snapshot shopdb one --snapshot shopdb two", /--snapshot takes the database and/],
  ["wov-push-db shopdb --snapshot shopdb one", /--snapshot takes the database and/],
  ["wov-push-db --check --no-proof --skip-git-checks", null],
  // wov-db does one thing.
  ["wov-db --schema --info", /One thing at a time/],
  ["wov-db --lwdb --wdb-ver", /One thing at a time/],
  ["wov-db -c A -f B", /-c and -f do not go together/],
  ["wov-db --schema --online", /--online goes with --wdb-deltas or --wdb-edit/],
  ["wov-db -c A --renames never", /--renames goes with --wdb-deltas or --wdb-edit/],
  ["wov-db -lwdb --json", /--json prints a document, and psql/],
  ["wov-db --json --wdb-edit --online --renames never", null],
  // Sources.
  [`wov diff prod:shopdb local:shopdb --url ${URL}`, /--url is of one database, and this compares two/],
  [`wov deltas prod:shopdb local:shopdb --url ${URL}`, /--url is of one database, and this compares two/],
  [`wov init --url ${URL}`, /--url reaches a database for one command/],
  ["wo plan --stage prod", /--stage is not for wo/],
];

const contradictions = suite("contradictions");

contradictions(
  "are refused, and named; nothing else is",
  inShop(async (shop) => {
    await shop.archive("1.1.0", ADD_NOTE);
    const wrong = await atOnce(LINES, 3, async ([command, says]) => faultOf(shop, command, says));
    assert.equal(wrong.flat(), []);
  }),
);

/** What is not as it should be. */
async function faultOf(shop: Shop, command: string, says: RegExp | null): Promise<string[]> {
  const [program = "", ...args] = command.split(" ");
  const env = { EDITOR: "echo written-by-the-editor" };
  const { status, stdout, stderr } = await shop.project.run(program, args, { env });
  const told = `${command}\n${status}\n${stdout}\n${stderr}`;
  if (told.slice(command.length).includes("hush")) return [`a password: ${told}`];
  if (says !== null) return status === 2 && (says.test(stderr) || says.test(stdout)) ? [] : [told];
  if (status !== 0) return [told];
  if (args.includes("--json")) JSON.parse(stdout);
  return [];
}

contradictions.run();
