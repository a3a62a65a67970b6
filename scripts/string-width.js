// In place of the library of that name, with which yargs lays out its help: it makes tables of Unicode when it is
// loaded, which took a fifth of a short command's time. The help here is ASCII, a column for each character.
import { stripVTControlCharacters } from "node:util";

export default (text) => stripVTControlCharacters(text).length;
