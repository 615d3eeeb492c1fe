// Bundles src/ and the libraries into ../templates/explorer.js, with the libraries' licences.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";

const here = new URL(".", import.meta.url);
const names = readdirSync(new URL("src/", here)).sort();
const hash = createHash("sha256");
for (const name of ["package.json", ...names.map((name) => `src/${name}`)]) {
  hash.update(readFileSync(new URL(name, here)));
}
const libraries = [
  "d3-hierarchy, d3-selection, d3-zoom and what they import: ISC, Copyright Mike Bostock",
  "d3-ease: BSD-3-Clause, Copyright Mike Bostock, Robert Penner",
  "@dagrejs/dagre, @dagrejs/graphlib: MIT, Copyright Chris Pettitt",
];
await build({
  absWorkingDir: new URL(".", here).pathname,
  entryPoints: ["src/main.js"],
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2020",
  charset: "ascii",
  legalComments: "none",
  banner: { js: `/* sources ${hash.digest("hex")}; ${libraries.join("; ")} */` },
  outfile: "../templates/explorer.js",
});
