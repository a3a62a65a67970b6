/** What reads schemas and compares them. */
import * as v from "valibot";
import { ObjectChange } from "./check.js";
import { text } from "./parts.js";

const SchemaSettings = v.object({
  owners: v.boolean(),
  tablespaces: v.boolean(),
  subscriptions: v.boolean(),
  columnOrder: v.boolean(),
  ignoreSchemas: v.array(text),
  ignoreTables: v.array(text),
});

export const HashResult = v.pipe(
  v.object({
    source: text,
    checksum: text,
    form: v.pipe(v.number(), v.description("The number of the canonical form.")),
    settings: v.pipe(SchemaSettings, v.description("What counts as schema, as in wovtools/config.json.")),
    objects: v.array(v.object({ type: text, name: text, checksum: text })),
    warnings: v.array(text),
  }),
  v.title("wov hash"),
);
export type HashResult = v.InferOutput<typeof HashResult>;

const DiffLine = v.object({ sign: v.picklist(["+", "-", " "]), text });

export const DiffResult = v.pipe(
  v.object({
    from: text,
    to: text,
    differs: v.boolean(),
    byServer: v.pipe(v.boolean(), v.description("Whether a server was asked what text could not decide.")),
    changes: v.array(v.object({ ...ObjectChange.entries, lines: v.array(DiffLine) })),
    warnings: v.array(text),
  }),
  v.title("wov diff"),
);
export type DiffResult = v.InferOutput<typeof DiffResult>;

export const SchemaResult = v.pipe(
  v.object({ databases: v.array(v.object({ database: text, schema: text })) }),
  v.title("wov-db --schema"),
);
export type SchemaResult = v.InferOutput<typeof SchemaResult>;

export const ChecksumResult = v.pipe(
  v.object({ databases: v.array(HashResult) }),
  v.title("wov-push-db --checksum"),
);
