import { suite } from "uvu";
import * as assert from "uvu/assert";
import { DatabaseError } from "#src/errors.js";
import { withClient } from "#src/postgres/connection.js";
import { type EmbeddedServer, startThrowAwayServer } from "#src/postgres/embedded.js";
import { openDeployLedger } from "#src/stage/deploy-ledger.js";
import { createLedger, ledgerConnection, openLedger } from "#src/stage/ledger.js";
import { LEDGER_FORMAT } from "#src/stage/ledger-tables.js";
import { thrownBy } from "../support/errors.js";

/** A server of its own: a server has one ledger. */
const context: { server?: EmbeddedServer } = {};
const ledger = suite("ledger");

ledger.before(async () => {
  context.server = await startThrowAwayServer();
});
ledger.after(async () => {
  await context.server?.stop();
});

function server() {
  if (context.server === undefined) throw new Error("no server");
  return context.server.connection;
}

async function inLedger(sql: string): Promise<Record<string, unknown>[]> {
  return withClient(ledgerConnection(server()), async (client) => (await client.query(sql)).rows);
}

/** The tables as the first version of the tool made them. */
const FIRST_FORMAT = `
  CREATE SCHEMA wovtool;
  CREATE TABLE wovtool.format (number integer NOT NULL);
  CREATE TABLE wovtool.database (
    name text PRIMARY KEY, version text NOT NULL, version_id text NOT NULL, since timestamptz NOT NULL DEFAULT now());
  CREATE TABLE wovtool.log (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, database text NOT NULL, version text NOT NULL,
    version_id text NOT NULL, event text NOT NULL, by text NOT NULL, commit text, at timestamptz NOT NULL DEFAULT now());
  CREATE INDEX ON wovtool.log (database, number);
  INSERT INTO wovtool.format VALUES (1);
  INSERT INTO wovtool.database VALUES ('shop', '1.0.0', 'id', '2025-01-31');
  INSERT INTO wovtool.log (database, version, version_id, event, by) VALUES ('shop', '1.0.0', 'id', 'archived', 'dana')`;

ledger("of the first format is read as it is, and brought to the present one in place", async () => {
  await withClient(server(), (client) => client.query("CREATE DATABASE wovtool"));
  await inLedger(FIRST_FORMAT);
  const before = await openLedger(server());
  assert.is((await before?.versionOf("shop"))?.version, "1.0.0");
  await before?.close();

  // Several at once, as several machines would.
  const made = await Promise.all([1, 2, 3].map(() => createLedger(server())));
  assert.equal(made, [{ created: false }, { created: false }, { created: false }]);
  assert.equal(await inLedger("SELECT number FROM wovtool.format"), [{ number: LEDGER_FORMAT }]);
  const after = await openLedger(server());
  assert.is((await after?.versionOf("shop"))?.version, "1.0.0");
  assert.equal(
    (await after?.log("shop"))?.map(({ event }) => event),
    ["archived"],
  );
  await after?.close();
  const deploys = await openDeployLedger(server());
  assert.equal(await deploys.positionOf("shop"), { version: "1.0.0", versionId: "id", partial: null });
  await deploys.close();
});

ledger("brings a database forward with the intent or the step that is settled, and only once", async () => {
  const deploys = await openDeployLedger(server());
  const deploy = await deploys.begin({
    database: "fresh",
    stage: "prod",
    plan: "p",
    from: null,
    to: "2.0.0",
    by: "dana",
    commit: null,
  });
  const completed = (version: string) => ({
    version,
    versionId: `id ${version}`,
    deltas: null,
    how: "applied" as const,
    tookMs: 3,
  });
  const partial = { version: "2.0.0", versionId: "id 2.0.0", statements: 1 };
  const intent = await deploys.intend(deploy, {
    systemIdentifier: "1",
    xid: "700",
    progress: { completed: [completed("1.0.0"), completed("1.1.0")], partial, finishes: false },
  });
  assert.is(await deploys.positionOf("fresh"), null);
  assert.equal(
    (await deploys.openIntents("fresh")).map(({ xid }) => xid),
    ["700"],
  );
  await deploys.settleIntent(intent, "committed");
  await deploys.settleIntent(intent, "committed");
  assert.equal(await deploys.positionOf("fresh"), { version: "1.1.0", versionId: "id 1.1.0", partial });

  const step = await deploys.beginStep(deploy, {
    statement: "2.0.0.deltas:2",
    work: { kind: "again" },
    progress: { completed: [], partial: { ...partial, statements: 2 }, finishes: false },
  });
  await deploys.settleStep(step, "undone");
  assert.is((await deploys.positionOf("fresh"))?.partial?.statements, 1);

  const last = await deploys.intend(deploy, {
    systemIdentifier: "1",
    xid: "701",
    progress: { completed: [completed("2.0.0")], partial: null, finishes: true },
  });
  await deploys.settleIntent(last, "committed");
  await deploys.end(deploy, "failed", "too late to be true");
  await deploys.close();
  assert.equal(await inLedger("SELECT version FROM wovtool.applied ORDER BY number"), [
    { version: "1.0.0" },
    { version: "1.1.0" },
    { version: "2.0.0" },
  ]);
  assert.equal(await inLedger("SELECT outcome FROM wovtool.deploy"), [{ outcome: "applied" }]);
});

ledger("of a newer version of the tool is left alone", async () => {
  await inLedger(`UPDATE wovtool.format SET number = ${LEDGER_FORMAT + 1}`);
  for (const opened of [() => openLedger(server()), () => createLedger(server())]) {
    const error = await thrownBy(DatabaseError, opened());
    assert.is(error.code, "NEWER_LEDGER");
    assert.match(error.hint ?? "", "npm install wovtools@latest");
  }
  assert.equal(await inLedger("SELECT number FROM wovtool.format"), [{ number: LEDGER_FORMAT + 1 }]);
});

ledger.run();
