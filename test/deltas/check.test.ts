import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { checkDeltas } from "#src/deltas/check.js";
import { deltasError } from "#src/deltas/error.js";
import { MAX_DELTAS_BYTES } from "#src/deltas/hints.js";
import { BlockedError } from "#src/errors.js";

const FILE = "wovtools/db/shopdb.deltas";
const bytes = (text: string) => Buffer.from(text);

/** The problems in short: code, line and column. */
async function problems(content: string | Uint8Array): Promise<string[]> {
  const report = await checkDeltas(typeof content === "string" ? bytes(content) : content, FILE);
  return report.problems.map(({ code, line, column }) => `${code} ${line}:${column}`);
}

const statements = suite("the statements of deltas");

statements("have text, place and type", async () => {
  const report = await checkDeltas(
    bytes("-- größer\nALTER TABLE t ADD c int;\n  /* 😀 */ CREATE INDEX ON t (c) ;;\nselect 1"),
    FILE,
  );
  assert.equal(report.problems, []);
  assert.is(report.empty, false);
  assert.equal(report.statements, [
    { text: "ALTER TABLE t ADD c int", line: 2, column: 1, offset: 10, type: "AlterTableStmt", parsed: true },
    { text: "CREATE INDEX ON t (c)", line: 3, column: 11, offset: 46, type: "IndexStmt", parsed: true },
    { text: "select 1", line: 4, column: 1, offset: 71, type: "SelectStmt", parsed: true },
  ]);
});

statements("whose type is known are not parsed, and stand where they stood", async () => {
  const report = await checkDeltas(bytes("UPDATE t SET frm frm;\n  SELECT 1;"), FILE, {
    knownType: (sql) => (sql.startsWith("UPDATE") ? "UpdateStmt" : null),
  });
  assert.equal(report.problems, []);
  assert.equal(report.statements, [
    { text: "UPDATE t SET frm frm", line: 1, column: 1, offset: 0, type: "UpdateStmt", parsed: false },
    { text: "SELECT 1", line: 2, column: 3, offset: 24, type: "SelectStmt", parsed: true },
  ]);
});

statements("are none in an empty file, or in one of comments", async () => {
  for (const content of ["", " \n\n", "-- nothing yet\n", "/* later */;\n"]) {
    const report = await checkDeltas(bytes(content), FILE);
    assert.equal(report, { file: FILE, statements: [], problems: [], empty: true });
  }
});

statements("that PostgreSQL's parser tells apart are told apart", async () => {
  // The cut sees a body that never ends; the parser knows that this is a name.
  const report = await checkDeltas(
    bytes(
      "create function f() returns int language sql begin atomic select 1 as case; end; select 'ä'; select 3",
    ),
    FILE,
  );
  assert.equal(
    report.statements.map(({ text, column }) => [column, text.slice(0, 10)]),
    [
      [1, "create fun"],
      [82, "select 'ä'"],
      [94, "select 3"],
    ],
  );
});

const bad = suite("problems of deltas");

bad("every syntax error is found, at the column a person counts", async () => {
  assert.equal(await problems("select 'ä😀é' frm x y;\n\tselec 1;\nselect 1;\nalter table;"), [
    "DELTAS_SYNTAX 1:18",
    "DELTAS_SYNTAX 2:2",
    "DELTAS_SYNTAX 4:12",
  ]);
  assert.equal(await problems("select 1;\nselect 'never closed;\nselect 2;"), ["DELTAS_SYNTAX 2:8"]);
  assert.equal(await problems("create table t (a int;\nselect 1 1;"), [
    "DELTAS_SYNTAX 1:22",
    "DELTAS_SYNTAX 2:10",
  ]);
  assert.equal(await problems("select 1;\n/* never closed"), ["DELTAS_SYNTAX 2:1"]);
});

bad("psql meta-commands", async () => {
  for (const command of ["\\d t", "\\i other.sql", "\\copy t from 'x'", "\\restrict it's", '\\connect "b']) {
    assert.equal(await problems(`${command}\nselect 1;`), ["DELTAS_META_COMMAND 1:1"]);
    assert.equal(await problems(`select 1; ${command}\nselect 2;`), ["DELTAS_META_COMMAND 1:11"]);
  }
  assert.equal(await problems("select 1 \\gx\nselect 2 2"), [
    "DELTAS_META_COMMAND 1:10",
    "DELTAS_SYNTAX 2:10",
  ]);
});

bad("COPY that reads from the client, not its data, and no other COPY", async () => {
  assert.equal(await problems("COPY t (a) FROM STDIN;\n# it's\t\\N\n\\.\nselec 1;"), [
    "DELTAS_COPY_FROM_STDIN 1:1",
    "DELTAS_SYNTAX 4:1",
  ]);
  assert.equal(await problems("copy t from stdin with (format csv)"), ["DELTAS_COPY_FROM_STDIN 1:1"]);
  assert.equal(await problems("copy t from '/data'; copy t from program 'x'; copy t to stdout"), []);
});

bad("transaction control, under its own name", async () => {
  const controls = ["BEGIN", "START TRANSACTION", "COMMIT WORK", "END", "ROLLBACK", "ABORT", "SAVEPOINT a"];
  controls.push("ROLLBACK TO a", "RELEASE a", "PREPARE TRANSACTION 'x'", "COMMIT PREPARED 'x'");
  for (const control of controls) {
    const report = await checkDeltas(bytes(`select 1;\n ${control};`), FILE);
    assert.equal(
      report.problems.map(({ code, line, column, message }) => [code, line, column, message]),
      [["DELTAS_TRANSACTION", 2, 2, `${control.replace(/ (a|'x')$/, "")} controls the transaction`]],
    );
  }
  assert.equal(
    await problems("set transaction read only; prepare q as select 1; do $$begin commit; end$$"),
    [],
  );
});

bad("lines that start with #, between statements and within", async () => {
  assert.equal(
    await problems("# wovtools don't\nalter table t\n  # PVER 1.0.0\n add c int,\n# more\n add d int;"),
    ["DELTAS_HASH_LINE 1:1", "DELTAS_HASH_LINE 3:3", "DELTAS_HASH_LINE 5:1"],
  );
});

bad("# and \\ are none in strings, dollar quotes, comments, bodies and as operators", async () => {
  const fine = `
-- # \\d
/*
# \\d
*/
comment on table t is '
# it''s
\\d';
select E'\\'\n\\d', "
# \\d";
create function f() returns int language plpgsql as $$
begin
  -- it's
  #variable_conflict
  return '
\\i x';
end $$;
create function g() returns int language plpython3u as $py$
# a comment
x = "\\n"
$py$;
select 5
 # 3, a #>> '{b}';
`.replace("  #variable_conflict\n", "");
  assert.equal(await problems(fine), []);
});

bad("syntax errors in bodies, where the server would find them", async () => {
  const plpgsql = (body: string) =>
    `create function f() returns int as $$\nbegin\n${body}\nend $$ language plpgsql;`;
  assert.equal(await problems(plpgsql("  retur 1;")), ["DELTAS_BODY_SYNTAX 3:3"]);
  assert.equal(await problems("do $$begin perform 1 1; end$$"), ["DELTAS_BODY_SYNTAX 1:6"]);
  assert.equal(
    await problems("create function g() returns int language sql as $x$\n  select 'ä' frm 1 2 $x$"),
    ["DELTAS_BODY_SYNTAX 2:18"],
  );
  assert.equal(await problems("create function g() returns int language sql as 'select ''a'' frm 1 2'"), [
    "DELTAS_BODY_SYNTAX 1:46",
  ]);
});

bad("nothing in bodies that only a catalogue could tell", async () => {
  const body = `declare r public.t%rowtype; v public.t.c%type; c cursor (k int) for select 1;
begin r.x := 3; select 1 into r.x; foreach v in array r.list loop end loop; new.y := old.y; return r; end`;
  assert.equal(
    await problems(`create function f(a mytype) returns trigger language plpgsql as $$${body}$$`),
    [],
  );
  assert.equal(await problems("create function f() returns int language plperl as $$ frm { $$"), []);
  assert.equal(await problems("create function f() returns int language c as 'lib', 'symbol'"), []);
  assert.equal(await problems("create function f() returns void language sql as ''"), []);
});

bad("bytes: mark, line ends, NUL, not UTF-8", async () => {
  assert.equal(await problems("\ufeffselec 1;"), ["DELTAS_BYTE_ORDER_MARK 1:1", "DELTAS_SYNTAX 1:1"]);
  assert.equal(await problems("select 1;\r\nselec 2;\r\n"), ["DELTAS_LINE_ENDS 1:10", "DELTAS_SYNTAX 2:1"]);
  assert.equal(await problems("select 1;\n\0selec 2;"), ["DELTAS_NUL 2:1", "DELTAS_SYNTAX 2:2"]);
  assert.equal(await problems(Buffer.from("select 1;\n-- gr\xf6\xdfer\n", "latin1")), [
    "DELTAS_NOT_UTF8 2:6",
  ]);
  assert.equal(await problems(Buffer.from("select 1; -- €").subarray(0, -1)), ["DELTAS_NOT_UTF8 1:14"]);
  assert.equal(await problems(Buffer.from("\ufeffselect 1", "utf16le")), ["DELTAS_NOT_UTF8 1:1"]);
});

bad("whatever the file holds, there is an answer", async () => {
  const pieces = fc.constantFrom(
    "'",
    '"',
    "$$",
    "$a$",
    "/*",
    "*/",
    "--",
    ";",
    "(",
    ")",
    "\\",
    "\\g",
    "#",
    "\r\n",
    "\n",
  );
  const words = fc.constantFrom(
    "select",
    "begin",
    "atomic",
    "end",
    "case",
    "create function f()",
    "copy t from stdin",
  );
  const scripts = fc.array(fc.oneof(pieces, words, fc.string({ unit: "binary" })), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(scripts, async (parts) => {
      const text = bytes(parts.join(" ")).toString();
      const lines = text.split(/\r\n|\r|\n/);
      for (const { line, column } of (await checkDeltas(bytes(text), FILE)).problems) {
        assert.ok(column >= 1 && column <= [...(lines[line - 1] ?? "")].length + 1);
      }
    }),
    { numRuns: 500 },
  );
  for (const deep of [`select ${"1+".repeat(100_000)}1`, `select ${"(".repeat(100_000)}1`]) {
    assert.equal(
      (await problems(deep)).map((problem) => problem.split(" ")[0]),
      ["DELTAS_SYNTAX"],
    );
    assert.equal(await problems("select 1"), []);
  }
});

bad("a file at the limit is read right, a byte more is refused", async () => {
  const line =
    "INSERT INTO public.customers (id, name) VALUES (12345, 'Jörg Müller, something long enough');\n";
  const many = Math.floor((MAX_DELTAS_BYTES - 40) / Buffer.byteLength(line));
  const end = "selec 1;";
  const padding = MAX_DELTAS_BYTES - many * Buffer.byteLength(line) - end.length;
  const content = bytes(line.repeat(many) + " ".repeat(padding) + end);
  assert.is(content.length, MAX_DELTAS_BYTES);
  const report = await checkDeltas(content, FILE);
  assert.is(report.statements.length, many);
  assert.equal(
    report.problems.map(({ line: at, column }) => [at, column]),
    [[many + 1, padding + 1]],
  );
  const refused = await checkDeltas(Buffer.concat([content, bytes(" ")]), FILE);
  assert.equal(
    refused.problems.map(({ code }) => code),
    ["DELTAS_TOO_LARGE"],
  );
  assert.match(refused.problems[0]?.message ?? "", "the limit is 20.0 MiB");
  assert.is(refused.empty, false);
});

const error = suite("the error for deltas");

error("is none where there is no problem", async () => {
  assert.is(deltasError(await checkDeltas(bytes("select 1"), FILE)), undefined);
  assert.is(deltasError(await checkDeltas(bytes(""), FILE)), undefined);
});

error("names file, line and column, and points at the place", async () => {
  const found = deltasError(await checkDeltas(bytes("select 1;\n\talter 日本 frm x;\n\\d\n"), FILE));
  assert.instance(found, BlockedError);
  assert.is(found?.exitStatus, 1);
  assert.is(found?.code, "DELTAS_SYNTAX");
  assert.is(found?.where, `${FILE}:2:8`);
  assert.is(
    found?.message,
    `The deltas cannot be applied: 2 problems.
${FILE}:2:8: syntax error at or near "日本"
  \talter 日本 frm x;
  \t      ^
${FILE}:3:1: \\d is a psql meta-command
  \\d
  ^`,
  );
  assert.is(found?.hint?.split("\n").length, 2);
});

error("counts what it does not show, and shortens long lines", async () => {
  const many = deltasError(await checkDeltas(bytes("selec 1;\n".repeat(25)), FILE));
  assert.match(many?.message ?? "", "25 problems");
  assert.match(many?.message ?? "", "and 15 more");
  const long = deltasError(await checkDeltas(bytes(`select '${"ä".repeat(5000)}' as 漢 漢;`), FILE));
  const [, , text = "", caret = ""] = (long?.message ?? "").split("\n");
  assert.ok(text.length < 120);
  assert.is(caret.indexOf("^"), text.lastIndexOf("漢") + 1);
});

statements.run();
bad.run();
error.run();
