/** What takes back a statement that pg_dump wrote. */
import type { DefineStmt, Node } from "libpg-query";
import { quoteIdentifier } from "../../postgres/quote.js";
import type { Parser } from "../../schema/parser.js";
import {
  aggregateSignature,
  listName,
  partsOf,
  relationSql,
  roleSql,
  signatureSql,
  typeOfNode,
  typeSql,
} from "./names.js";
import { type Stated, tokensOf } from "./stated.js";
import { undoAlterTable } from "./undo-table.js";

/**
 * The statement that takes another back: DROP for what is made, REVOKE for what is granted, the default for what is
 * set.
 *
 * @returns null where there is none
 */
export function undoing(stated: Stated, parser: Parser): string | null {
  const { node } = stated;
  return dropping(node) ?? undoingChange(stated, parser);
}

/** The statement that drops what a statement makes; null for one that makes nothing. */
export function dropping(node: Node): string | null {
  if ("CreateStmt" in node) return `DROP TABLE ${relationSql(node.CreateStmt.relation)}`;
  if ("CreateForeignTableStmt" in node)
    return `DROP FOREIGN TABLE ${relationSql(node.CreateForeignTableStmt.base?.relation)}`;
  if ("ViewStmt" in node) return `DROP VIEW ${relationSql(node.ViewStmt.view)}`;
  if ("CreateTableAsStmt" in node)
    return `DROP MATERIALIZED VIEW ${relationSql(node.CreateTableAsStmt.into?.rel)}`;
  if ("CreateSeqStmt" in node) return `DROP SEQUENCE ${relationSql(node.CreateSeqStmt.sequence)}`;
  if ("IndexStmt" in node) {
    const { relation, idxname = "" } = node.IndexStmt;
    return `DROP INDEX ${relationSql({ ...relation, relname: idxname })}`;
  }
  if ("CreateFunctionStmt" in node) {
    const { is_procedure, funcname, parameters } = node.CreateFunctionStmt;
    return `DROP ${is_procedure ? "PROCEDURE" : "FUNCTION"} ${listName(funcname)}${signatureSql(parameters)}`;
  }
  if ("CreateEnumStmt" in node) return `DROP TYPE ${listName(node.CreateEnumStmt.typeName)}`;
  if ("CreateRangeStmt" in node) return `DROP TYPE ${listName(node.CreateRangeStmt.typeName)}`;
  if ("CompositeTypeStmt" in node) return `DROP TYPE ${relationSql(node.CompositeTypeStmt.typevar)}`;
  if ("CreateDomainStmt" in node) return `DROP DOMAIN ${listName(node.CreateDomainStmt.domainname)}`;
  if ("DefineStmt" in node) return droppingDefined(node.DefineStmt);
  return droppingOnTable(node) ?? droppingRare(node) ?? droppingGlobal(node);
}

function droppingOnTable(node: Node): string | null {
  const on = (kind: string, name: string | undefined, relation: Parameters<typeof relationSql>[0]) =>
    `DROP ${kind} ${quoteIdentifier(name ?? "")} ON ${relationSql(relation)}`;
  if ("CreateTrigStmt" in node)
    return on("TRIGGER", node.CreateTrigStmt.trigname, node.CreateTrigStmt.relation);
  if ("CreatePolicyStmt" in node)
    return on("POLICY", node.CreatePolicyStmt.policy_name, node.CreatePolicyStmt.table);
  if ("RuleStmt" in node) return on("RULE", node.RuleStmt.rulename, node.RuleStmt.relation);
  return null;
}

const DEFINED: ReadonlyMap<string, string> = new Map([
  ["OBJECT_TYPE", "TYPE"],
  ["OBJECT_COLLATION", "COLLATION"],
  ["OBJECT_TSCONFIGURATION", "TEXT SEARCH CONFIGURATION"],
  ["OBJECT_TSDICTIONARY", "TEXT SEARCH DICTIONARY"],
  ["OBJECT_TSPARSER", "TEXT SEARCH PARSER"],
  ["OBJECT_TSTEMPLATE", "TEXT SEARCH TEMPLATE"],
]);

function droppingDefined({ kind, defnames, args, definition }: DefineStmt): string | null {
  if (kind === "OBJECT_AGGREGATE") return `DROP AGGREGATE ${listName(defnames)}${aggregateSignature(args)}`;
  if (kind === "OBJECT_OPERATOR") {
    const parts = partsOf(defnames);
    const side = (name: string) => {
      const option = definition?.find((each) => "DefElem" in each && each.DefElem.defname === name);
      return typeOfNode(option !== undefined && "DefElem" in option ? option.DefElem.arg : undefined);
    };
    // An operator's own name cannot be quoted.
    const schema = parts.slice(0, -1).map((part) => `${quoteIdentifier(part)}.`);
    return `DROP OPERATOR ${schema.join("")}${parts.at(-1)} (${side("leftarg")}, ${side("rightarg")})`;
  }
  const word = DEFINED.get(kind ?? "");
  return word === undefined ? null : `DROP ${word} ${listName(defnames)}`;
}

function droppingRare(node: Node): string | null {
  if ("CreateCastStmt" in node) {
    const { sourcetype, targettype } = node.CreateCastStmt;
    return `DROP CAST (${typeSql(sourcetype)} AS ${typeSql(targettype)})`;
  }
  if ("CreateTransformStmt" in node) {
    const { type_name, lang = "" } = node.CreateTransformStmt;
    return `DROP TRANSFORM FOR ${typeSql(type_name)} LANGUAGE ${quoteIdentifier(lang)}`;
  }
  if ("CreateOpClassStmt" in node) {
    const { opclassname, amname = "" } = node.CreateOpClassStmt;
    return `DROP OPERATOR CLASS ${listName(opclassname)} USING ${quoteIdentifier(amname)}`;
  }
  if ("CreateOpFamilyStmt" in node) {
    const { opfamilyname, amname = "" } = node.CreateOpFamilyStmt;
    return `DROP OPERATOR FAMILY ${listName(opfamilyname)} USING ${quoteIdentifier(amname)}`;
  }
  if ("CreateConversionStmt" in node)
    return `DROP CONVERSION ${listName(node.CreateConversionStmt.conversion_name)}`;
  if ("CreateStatsStmt" in node) return `DROP STATISTICS ${listName(node.CreateStatsStmt.defnames)}`;
  if ("CreateUserMappingStmt" in node) {
    const { user, servername = "" } = node.CreateUserMappingStmt;
    return `DROP USER MAPPING FOR ${user === undefined ? "PUBLIC" : roleSql(user)} SERVER ${quoteIdentifier(servername)}`;
  }
  return null;
}

/** What lies in no schema. */
function droppingGlobal(node: Node): string | null {
  const drop = (kind: string, name: string | undefined) => `DROP ${kind} ${quoteIdentifier(name ?? "")}`;
  if ("CreateSchemaStmt" in node) return drop("SCHEMA", node.CreateSchemaStmt.schemaname);
  if ("CreateExtensionStmt" in node) return drop("EXTENSION", node.CreateExtensionStmt.extname);
  if ("CreateEventTrigStmt" in node) return drop("EVENT TRIGGER", node.CreateEventTrigStmt.trigname);
  if ("CreatePLangStmt" in node) return drop("LANGUAGE", node.CreatePLangStmt.plname);
  if ("CreateAmStmt" in node) return drop("ACCESS METHOD", node.CreateAmStmt.amname);
  if ("CreateFdwStmt" in node) return drop("FOREIGN DATA WRAPPER", node.CreateFdwStmt.fdwname);
  if ("CreateForeignServerStmt" in node) return drop("SERVER", node.CreateForeignServerStmt.servername);
  if ("CreatePublicationStmt" in node) return drop("PUBLICATION", node.CreatePublicationStmt.pubname);
  if ("CreateSubscriptionStmt" in node) return drop("SUBSCRIPTION", node.CreateSubscriptionStmt.subname);
  return null;
}

function undoingChange({ text, node }: Stated, parser: Parser): string | null {
  if ("CommentStmt" in node || "SecLabelStmt" in node) return setToNull(text, parser);
  if ("GrantStmt" in node) return turnedGrant(text, parser);
  if ("AlterDefaultPrivilegesStmt" in node) return turnedGrant(text, parser);
  if ("AlterTableStmt" in node) return undoAlterTable(node.AlterTableStmt);
  if ("AlterSeqStmt" in node) {
    const { sequence, options } = node.AlterSeqStmt;
    const isOwner = options?.some((option) => "DefElem" in option && option.DefElem.defname === "owned_by");
    return isOwner ? `ALTER SEQUENCE ${relationSql(sequence)} OWNED BY NONE` : null;
  }
  if ("AlterDomainStmt" in node) {
    const { typeName, def, subtype } = node.AlterDomainStmt;
    if (subtype !== "C" && subtype !== "AT_AddConstraint") return null;
    if (def === undefined || !("Constraint" in def)) return null;
    return `ALTER DOMAIN ${listName(typeName)} DROP CONSTRAINT ${quoteIdentifier(def.Constraint.conname ?? "")}`;
  }
  if ("AlterTSConfigurationStmt" in node) {
    const { cfgname, tokentype } = node.AlterTSConfigurationStmt;
    const tokens = partsOf(tokentype).map(quoteIdentifier).join(", ");
    return `ALTER TEXT SEARCH CONFIGURATION ${listName(cfgname)} DROP MAPPING FOR ${tokens}`;
  }
  if ("AlterStatsStmt" in node)
    return `ALTER STATISTICS ${listName(node.AlterStatsStmt.defnames)} SET STATISTICS -1`;
  if ("AlterEventTrigStmt" in node)
    return `ALTER EVENT TRIGGER ${quoteIdentifier(node.AlterEventTrigStmt.trigname ?? "")} ENABLE`;
  if ("AlterPublicationStmt" in node) return turnedPublication(text, parser);
  return null;
}

/** `… IS 'text'` becomes `… IS NULL`. */
function setToNull(text: string, parser: Parser): string | null {
  const value = tokensOf(text, parser).at(-1);
  return value === undefined ? null : `${text.slice(0, value.start)}NULL`;
}

/** `GRANT x ON y TO z` becomes `REVOKE x ON y FROM z`, and the other way round. */
function turnedGrant(text: string, parser: Parser): string | null {
  const tokens = tokensOf(text, parser);
  const words = tokens.map((token) => token.text.toUpperCase());
  const verb = words.findIndex((word) => word === "GRANT" || word === "REVOKE");
  const isGrant = words[verb] === "GRANT";
  const link = words.lastIndexOf(isGrant ? "TO" : "FROM");
  if (verb < 0 || link < 0) return null;
  const [before, first, to] = [tokens[verb], tokens[verb + 1], tokens[link]];
  if (before === undefined || first === undefined || to === undefined) return null;
  const head = text.slice(0, before.start);
  const what = text.slice(first.start, to.start);
  const whom = text.slice(to.start + to.text.length).replace(/\s+WITH GRANT OPTION\s*$/i, "");
  return isGrant ? `${head}REVOKE ${what}FROM${whom}` : `${head}GRANT ${what}TO${whom}`;
}

/** `ALTER PUBLICATION p ADD TABLE t …` becomes `ALTER PUBLICATION p DROP TABLE t`. */
function turnedPublication(text: string, parser: Parser): string | null {
  const [node] = parser.parse(text).stmts ?? [];
  if (node?.stmt === undefined || !("AlterPublicationStmt" in node.stmt)) return null;
  const { pubname = "", pubobjects = [] } = node.stmt.AlterPublicationStmt;
  const members = pubobjects.flatMap((object) => {
    if (!("PublicationObjSpec" in object)) return [];
    const { pubtable, name } = object.PublicationObjSpec;
    if (pubtable !== undefined) return [`TABLE ${relationSql(pubtable.relation)}`];
    return name === undefined ? [] : [`TABLES IN SCHEMA ${quoteIdentifier(name)}`];
  });
  return members.length === 0
    ? null
    : `ALTER PUBLICATION ${quoteIdentifier(pubname)} DROP ${members.join(", ")}`;
}
