import { notBuilt } from "./not-built.js";

export const woImportVerb = notBuilt("import [words..]", "Make a tree of object scripts from a database");
