/** A script as groups of statements, with an empty line between the groups. */

/** What a script is made of: statements without their semicolons, in groups. */
export type Groups = readonly (readonly string[])[];

/**
 * The text of a script.
 *
 * @returns empty where no group has a statement
 */
export function scriptOf(groups: Groups): string {
  return groups
    .filter((group) => group.length > 0)
    .map((group) => group.map((statement) => `${statement};\n`).join(""))
    .join("\n");
}
