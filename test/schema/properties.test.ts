/** What holds for every dump, tried on many. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { dumpSchema } from "#src/postgres/dump.js";
import { DumpReader, readDump } from "#src/schema/dump.js";
import { archivedSchema, canonicalSchema, diffSchemas, fingerprintOfDump } from "#src/schema/index.js";
import { PACKAGE } from "../support/project.js";
import { freshDatabase } from "../support/server.js";
import { isOwn, isPlaceholder, written } from "./dump-entries.js";

const OPTIONS = { program: "bundled", owners: false, tablespaces: false, subscriptions: false } as const;

const rich = await readFile(join(PACKAGE, "test/matrix/schemas/rich.sql"), "utf8");
const database = await freshDatabase(rich);
const dump = await dumpSchema(database.connection, OPTIONS);

const properties = suite("properties of the canonical form");

properties("it does not depend on the order of the statements", async () => {
  const { entries } = readDump(dump);
  const { checksum } = await canonicalSchema(dump);
  await fc.assert(
    fc.asyncProperty(fc.shuffledSubarray([...entries], { minLength: entries.length }), async (shuffled) => {
      assert.is((await canonicalSchema(written(shuffled))).checksum, checksum);
    }),
    { numRuns: 30 },
  );
});

properties("it is cut alike, in whichever pieces it comes and with whichever line ends", () => {
  const whole = readDump(dump);
  const otherLineEnds = dump.replaceAll("\n", "\r\n");
  for (const text of [dump, otherLineEnds]) {
    const inPieces = (pieces: readonly string[]) => {
      const reader = new DumpReader();
      for (const piece of pieces) reader.add(piece);
      return reader.end();
    };
    assert.equal(inPieces(text.match(/.{1,97}/gs) ?? []), whole);
    const place = fc.integer({ min: 0, max: text.length });
    fc.assert(
      fc.property(place, place, (one, other) => {
        const [from, to] = one < other ? [one, other] : [other, one];
        assert.equal(inPieces([text.slice(0, from), text.slice(from, to), text.slice(to)]), whole);
      }),
      { numRuns: 50 },
    );
  }
});

properties("every entry of a dump is part of it", async () => {
  const { entries } = readDump(dump);
  const { checksum } = await canonicalSchema(dump);
  for (const [index, entry] of entries.entries()) {
    if (isOwn(entry) || entry.sql === "" || isPlaceholder(entry)) continue;
    const without = await canonicalSchema(written(entries.toSpliced(index, 1)));
    assert.is.not(without.checksum, checksum, `${entry.type} ${entry.name}`);
  }
});

properties("the archived schema is the schema, and is archived unchanged", async () => {
  const archived = archivedSchema(dump);
  assert.is(archivedSchema(archived), archived);
  assert.is((await canonicalSchema(archived)).checksum, (await canonicalSchema(dump)).checksum);
  assert.is(fingerprintOfDump(archived), fingerprintOfDump(dump));
});

properties("the archived schema loads into an empty database and is the same there", async () => {
  const copy = await freshDatabase(archivedSchema(dump));
  const [before, after] = [
    await canonicalSchema(dump),
    await canonicalSchema(await dumpSchema(copy.connection, OPTIONS)),
  ];
  assert.equal(diffSchemas(before, after), { added: [], changed: [], dropped: [] });
  assert.is(after.checksum, before.checksum);
});

properties("no text can pass for the end of a statement or a heading", async () => {
  const fragment = fc.constantFrom(
    "'",
    '"',
    "\\",
    "$",
    "$$",
    "$_$",
    ";",
    "\n",
    "--",
    "/*",
    "*/",
    "E'",
    "ü",
    "\u{1f418}",
    "a",
    "\n\n--\n-- Name: fake; Type: TABLE; Schema: public; Owner: -\n--\n\n",
    "\nSET default_tablespace = x;",
    "\n\nALTER TABLE x OWNER TO y;",
    "\\unrestrict k\n",
  );
  const text = fc.array(fragment, { maxLength: 12 }).map((parts) => parts.join(""));
  const dumpOf = (said: string, body: string, name: string) => {
    const quoted = said.includes("\\")
      ? `E'${said.replace(/['\\]/g, "$&$&")}'`
      : `'${said.replaceAll("'", "''")}'`;
    const identifier = `"${name.replaceAll('"', '""')}x"`;
    const entries = [
      ["t", "TABLE", `CREATE TABLE public.t (\n    ${identifier} text DEFAULT ${quoted}\n);`],
      ["TABLE t", "COMMENT", `COMMENT ON TABLE public.t IS ${quoted};`],
      [
        "f()",
        "FUNCTION",
        `CREATE FUNCTION public.f() RETURNS text\n    LANGUAGE x\n    AS $end$${body}$end$;`,
      ],
      ["u", "TABLE", "CREATE TABLE public.u (\n    id integer\n);"],
    ];
    return entries
      .map(
        ([tag, type, sql]) =>
          `--\n-- Name: ${tag}; Type: ${type}; Schema: public; Owner: -\n--\n\n${sql}\n\n\n`,
      )
      .join("");
  };
  await fc.assert(
    fc.asyncProperty(fc.tuple(text, text, text), fc.tuple(text, text, text), async (one, other) => {
      const schema = await canonicalSchema(dumpOf(...one));
      assert.equal(schema.warnings, []);
      assert.equal([...schema.objects.keys()], ["function public.f()", "table public.t", "table public.u"]);
      const archived = await canonicalSchema(archivedSchema(dumpOf(...one)));
      assert.is(archived.checksum, schema.checksum);
      const second = await canonicalSchema(dumpOf(...other));
      assert.is(schema.checksum === second.checksum, one.join("\0") === other.join("\0"));
    }),
    { numRuns: 300 },
  );
});

properties("two tables have one checksum exactly when they are the same table", async () => {
  const column = fc.record({
    name: fc.constantFrom("a", "b", "A", "c d", "select"),
    type: fc.constantFrom("integer", "bigint", "text", "character varying(5)", "text[]", "public.t"),
    isNull: fc.boolean(),
    value: fc.constantFrom("", " DEFAULT 1", " DEFAULT '1'::text", " DEFAULT NULL::text", " DEFAULT now()"),
  });
  const columns = fc.uniqueArray(column, { selector: ({ name }) => name, maxLength: 4 });
  const sqlOf = (list: readonly (typeof column extends fc.Arbitrary<infer T> ? T : never)[]) =>
    `CREATE TABLE public.t (\n${list
      .map(({ name, type, isNull, value }) => `    "${name}" ${type}${value}${isNull ? "" : " NOT NULL"}`)
      .join(",\n")}\n);`;
  await fc.assert(
    fc.asyncProperty(columns, columns, async (one, other) => {
      const [a, b] = [await canonicalSchema(sqlOf(one)), await canonicalSchema(sqlOf(other))];
      assert.is(a.checksum === b.checksum, sqlOf(one) === sqlOf(other));
      const { added, changed, dropped } = diffSchemas(a, b);
      assert.is(added.length + changed.length + dropped.length === 0, a.checksum === b.checksum);
    }),
    { numRuns: 500 },
  );
});

properties.run();
