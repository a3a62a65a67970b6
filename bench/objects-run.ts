/** `npm run bench:objects`: the benchmark of object scripts alone. */
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { measureObjects, objectsTable } from "./objects.js";

const { values } = parseArgs({
  options: {
    objects: { type: "string", default: "100,1000,5000" },
    runs: { type: "string", default: "7" },
    "new-runs": { type: "string", default: "3" },
    json: { type: "boolean", default: false },
  },
});
const runs = Number(values.runs);
const rows = await measureObjects(values.objects.split(",").map(Number), runs, Number(values["new-runs"]));
const head = `Node ${process.versions.node}, ${cpus().length} cores (${cpus()[0]?.model.trim() ?? ""}); medians of ${runs} runs, least and most`;
process.stdout.write(
  `${values.json ? JSON.stringify(rows, null, 2) : [head, "", ...objectsTable(rows)].join("\n")}\n`,
);
