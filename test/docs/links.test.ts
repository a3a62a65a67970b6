/** Every link in the README and in docs/ leads to a file that is there, and to a heading in it. */
import { readdir, readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { PACKAGE } from "../support/project.js";

const PAGES = [
  join(PACKAGE, "README.md"),
  ...(await readdir(join(PACKAGE, "docs")))
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(PACKAGE, "docs", name)),
];

/** The text without code, in which nothing is a link or a heading. */
async function proseOf(page: string): Promise<string> {
  return (await readFile(page, "utf8")).replaceAll(/^```[\s\S]*?^```$/gm, "");
}

/** A heading's anchor as GitHub makes it. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}_ -]/gu, "")
    .replaceAll(" ", "-");
}

async function anchorsOf(page: string): Promise<Set<string>> {
  const headings = (await proseOf(page)).matchAll(/^#+ (.+)$/gm);
  return new Set([...headings].map(([, heading = ""]) => anchorOf(heading)));
}

const links = suite("links");

for (const page of PAGES) {
  links(`of ${relative(PACKAGE, page)} lead somewhere`, async () => {
    const found = [...(await proseOf(page)).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)];
    if (page.endsWith("README.md")) assert.ok(found.length > 3, "the links are found");
    for (const [link, path = "", anchor] of found) {
      const target = path === "" ? page : join(dirname(page), path);
      const anchors = await anchorsOf(target);
      if (anchor !== undefined) assert.ok(anchors.has(anchor), link);
    }
  });
}

links.run();
