/** What is said about an object beside its definition: comments, privileges, labels, owners. */
import { readable } from "../names.js";
import { isOnPublicSchema, type Privilege, privilegesOf, roleName } from "../rules/privileges.js";
import { listAt, namesIn, objectAt, stringAt, type TreeObject, unwrap } from "../tree.js";
import { addressOf } from "./address.js";
import { type Address, type Fragment, type Reader, type Statement, unqualified, whole } from "./fragment.js";

/** What initdb says about the schema `public`; a new database has it. */
const COMMENT_ON_PUBLIC = "standard public schema";

export const comment: Reader = (statement) => {
  const { tree } = statement;
  const place = addressOf(stringAt(tree, "objtype") ?? "", tree.object);
  const text = stringAt(tree, "comment") ?? "";
  if (place === undefined) return unplaced(statement, "comment");
  if (place.of.type === "schema" && place.of.name === "public" && text === COMMENT_ON_PUBLIC) return [];
  const part = place.within === "" ? "comment" : `comment on ${place.within}`;
  return [{ of: place.of, part, canonical: JSON.stringify(text), text: statement.text }];
};

export const securityLabel: Reader = (statement) => {
  const { tree } = statement;
  const place = addressOf(stringAt(tree, "objtype") ?? "", tree.object);
  if (place === undefined) return unplaced(statement, "security label");
  const provider = stringAt(tree, "provider") ?? "";
  const part = `security label ${provider}${place.within === "" ? "" : ` on ${place.within}`}`;
  return [
    { of: place.of, part, canonical: JSON.stringify(stringAt(tree, "label") ?? ""), text: statement.text },
  ];
};

/** `ALTER … OWNER TO`, for everything but tables and their like. */
export const owner: Reader = (statement) => {
  if (!statement.settings.owners) return [];
  const { tree } = statement;
  const place = addressOf(stringAt(tree, "objectType") ?? "", tree.object);
  if (place === undefined) return unplaced(statement, "owner");
  // Before 15 `public` belonged to whoever made the cluster.
  const server = statement.context.server;
  if (place.of.type === "schema" && place.of.name === "public" && server !== null && server < 15) return [];
  return [whole(statement, place.of, "owner", tree.newowner)];
};

/** A kind of object with no address still counts: its statement is an object by itself. */
function unplaced(statement: Statement, part: string): Fragment[] {
  return [whole(statement, unqualified("statement", statement.text), part)];
}

function privilegeText({ granted, privilege, columns, grantee, grantOption }: Privilege): string {
  const what = columns.length === 0 ? privilege : `${privilege} (${columns.map(readable).join(", ")})`;
  const how = granted ? "granted to" : "revoked from";
  return `${what} ${how} ${grantee}${grantOption ? " with grant option" : ""}`;
}

function privilegeFragment(statement: Statement, of: Address, privilege: Privilege): Fragment {
  const grantor = statement.settings.owners ? statement.grantor : null;
  const canonical = JSON.stringify({ ...privilege, ...(grantor === null ? {} : { grantor }) });
  const part = `privileges of ${privilege.grantee === "PUBLIC" ? "PUBLIC" : readable(privilege.grantee)}`;
  return { of, part, canonical, text: privilegeText(privilege) };
}

/** The part under which what PUBLIC may do in the schema `public` is gathered, to be weighed as one. */
export const PUBLIC_IN_PUBLIC = "privileges of PUBLIC";

export const grant: Reader = (statement) => {
  const { tree } = statement;
  const objectType = stringAt(tree, "objtype") ?? "";
  const privileges = privilegesOf(tree, statement.context);
  return listAt(tree, "objects").flatMap((object) => {
    const place = addressOf(objectType, object);
    if (place === undefined) return unplaced(statement, "privileges");
    return privileges.map((privilege) => privilegeFragment(statement, place.of, privilege));
  });
};

/** Whether a statement grants to PUBLIC, or takes from it, in the schema `public`. */
export function isPublicInPublic(tree: TreeObject): boolean {
  const grantees = listAt(tree, "grantees").map(roleName);
  return isOnPublicSchema(tree) && grantees.includes("PUBLIC");
}

/** What the default privileges are for: `FOR ROLE` names their owner, so it counts where owners do. */
export const defaultPrivileges: Reader = (statement) => {
  const { tree } = statement;
  const action = objectAt(tree, "action");
  const option = (name: string) => {
    const found = listAt(tree, "options").find(
      (node) => stringAt(objectAt(node, "DefElem"), "defname") === name,
    );
    const [, list] = unwrap(objectAt(found, "DefElem").arg);
    return Array.isArray(list.items) ? list.items : [];
  };
  const kind = (stringAt(action, "objtype") ?? "").replace("OBJECT_", "").toLowerCase();
  const roles = statement.settings.owners ? option("roles").map(roleName) : [];
  const suffix = roles.length === 0 ? "" : ` for role ${roles.map(readable).join(", ")}`;
  const [schema = null] = namesIn(option("schemas"));
  const name = `${kind}s${suffix}`;
  const of: Address = { space: "object", type: "default privileges", schema, name };
  return privilegesOf(action, statement.context).map((privilege) =>
    privilegeFragment(statement, of, privilege),
  );
};

/** For statements that only say how a dump is to be loaded. */
export const nothing: Reader = () => [];
