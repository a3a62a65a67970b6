/** What changes a domain into another of its name. */
import type { Constraint, CreateDomainStmt } from "libpg-query";
import { quoteIdentifier } from "../../postgres/quote.js";
import { listName } from "./names.js";
import type { Stated } from "./stated.js";
import { type Attempt, onlyBy } from "./written.js";

/** A piece of a domain's definition: its default, its NOT NULL, a constraint. */
interface Piece {
  readonly constraint: Constraint;
  readonly text: string;
}

/** The type below and the collation cannot be changed; all else can. */
export function changeDomain(about: string, before: Stated, after: Stated): Attempt[] {
  if (!("CreateDomainStmt" in before.node) || !("CreateDomainStmt" in after.node)) return [];
  const alter = `ALTER DOMAIN ${listName(after.node.CreateDomainStmt.domainname)}`;
  const was = piecesOf(before.text, before.node.CreateDomainStmt);
  const is = piecesOf(after.text, after.node.CreateDomainStmt);
  const gone = was.filter(({ text }) => !is.some((piece) => piece.text === text));
  const come = is.filter(({ text }) => !was.some((piece) => piece.text === text));
  const taken = gone.map(({ constraint }) => onlyBy(about, `${alter} ${withoutPiece(constraint)}`));
  const given = come.map((piece) => onlyBy(about, `${alter} ${withPiece(piece)}`));
  return [...taken, ...given];
}

function piecesOf(sql: string, { constraints }: CreateDomainStmt): Piece[] {
  const bytes = Buffer.from(sql);
  const found = (constraints ?? []).flatMap((node) => ("Constraint" in node ? [node.Constraint] : []));
  const places = found.map(({ location = 0 }) => location).sort((a, b) => a - b);
  return found.map((constraint) => {
    const from = constraint.location ?? 0;
    const to = places.find((place) => place > from) ?? bytes.length;
    return { constraint, text: bytes.toString("utf8", from, to).trim() };
  });
}

function withoutPiece({ contype, conname }: Constraint): string {
  if (contype === "CONSTR_DEFAULT") return "DROP DEFAULT";
  return contype === "CONSTR_NOTNULL" ? "DROP NOT NULL" : `DROP CONSTRAINT ${quoteIdentifier(conname ?? "")}`;
}

function withPiece({ constraint, text }: Piece): string {
  if (constraint.contype === "CONSTR_DEFAULT") return `SET ${text}`;
  return constraint.contype === "CONSTR_NOTNULL" ? "SET NOT NULL" : `ADD ${text}`;
}
