// Writes the specification's cases as JSON, one file for each of its files.
//   npm pack @bufbuild/cel-spec@0.6.1 && tar xzf bufbuild-cel-spec-0.6.1.tgz && node convert.mjs package
import { writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const FILES = (
  "basic comparisons conversions fields fp_math integer_math lists logic macros namespace parse plumbing string timestamps"
).split(" ");
const here = dirname(fileURLToPath(import.meta.url));
const { tests } = await import(resolve(process.argv[2], "dist/esm/testdata/conformance.js"));

for (const file of tests.suites.filter(({ name }) => FILES.includes(name))) {
  const cases = file.suites.flatMap((section) =>
    section.tests.map(({ original }) => {
      const { name, expr, bindings, container, value, evalError } = original;
      return { section: section.name, name, expr, bindings, container, value, error: evalError?.errors[0].message };
    }),
  );
  const lines = cases.map((one) => JSON.stringify(one)).join(",\n");
  writeFileSync(join(here, `${file.name}.json`), `[\n${lines}\n]\n`);
}
