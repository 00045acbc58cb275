// Generate a client in TypeScript of each document with @hey-api/openapi-ts, and check it and its user strictly.
// Arguments: a folder to write to, and the documents. The folder's `openapi-ts-user.js` is then ready to run.
import { spawnSync } from "node:child_process";
import { copyFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { createClient } from "@hey-api/openapi-ts";

const [folder, ...documents] = process.argv.slice(2);
const user = "openapi-ts-user.ts";

for (const document of documents) {
  await createClient({
    input: document,
    output: { path: join(folder, basename(document, ".json")), module: { extension: ".js" } },
    plugins: ["@hey-api/client-fetch", "@hey-api/typescript", "@hey-api/sdk"],
    logs: { level: "silent" },
  });
}
copyFileSync(user, join(folder, user));
writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
const compilerOptions = { strict: true, target: "es2022", module: "nodenext", lib: ["es2022", "dom", "dom.iterable"] };
// `types`: none, so that the check does not hang on what else is installed; `include`: also what the user leaves out.
writeFileSync(
  join(folder, "tsconfig.json"),
  JSON.stringify({ compilerOptions: { ...compilerOptions, types: [] }, include: ["**/*.ts"] }),
);
const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
const checked = spawnSync(process.execPath, [tsc, "--project", folder], { stdio: "inherit" });
process.exit(checked.status ?? 1);
