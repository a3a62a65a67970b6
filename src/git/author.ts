import { ConfigError } from "../errors.js";
import { git } from "./git.js";
import type { Repository } from "./repository.js";

/** The newest commit that touched a file, and who made it. */
export interface CommitAuthor {
  readonly commit: string;
  /** `Name <mail>` */
  readonly author: string;
}

/**
 * Finds the newest commit of HEAD that touched a file.
 *
 * @param path absolute
 * @throws ConfigError `NO_COMMIT` when there is none
 */
export async function commitAuthor({ root }: Repository, path: string): Promise<CommitAuthor> {
  // With log.showSignature, what gpg says of a signed commit would stand before the answer.
  const format = ["--no-show-signature", "--format=%H%n%an <%ae>"];
  const output = await git(root, ["log", "-1", ...format, "--", path]);
  const [commit, author] = output.trimEnd().split("\n");
  if (!commit || !author)
    throw new ConfigError("NO_COMMIT", "No commit has touched this file.", { where: path });
  return { commit, author };
}
