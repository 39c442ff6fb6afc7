// Pyodide under Node: loads it from the files of its package, and runs Python in it when
// told to. Commands and answers are one JSON line each, over the standard streams.
//
//   {"pyodide": folder, "bench": folder, "seed": text, "cases": {case: {source, mode,
//    kind, file}}}                  -> {"cases": [...], "cpu": ns}
//   {"run": case, "n": loops}       -> {}
//   {"answer": case}                -> {"said": JSON text}
//   anything that throws            -> {"error": text}, and the end
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

let subject;

async function setUp({ pyodide: folder, bench, seed, cases }) {
  const { loadPyodide } = await import(pathToFileURL(join(folder, "pyodide.mjs")));
  const pyodide = await loadPyodide({
    indexURL: folder,
    // What is imported from the checkout must leave no files there.
    env: { HOME: "/", PYTHONHASHSEED: seed, PYTHONDONTWRITEBYTECODE: "1" },
    stdout: () => {},
  });
  const { FS } = pyodide;
  FS.mkdirTree("/checkout/bench");
  FS.mount(FS.filesystems.NODEFS, { root: bench }, "/checkout/bench");
  FS.mkdir("/bodies");
  const files = [...new Set(Object.values(cases).map(({ file }) => file))];
  files.forEach((file, n) => FS.writeFile(`/bodies/${n}`, readFileSync(file)));
  const inside = Object.entries(cases).map(([name, { source, mode, kind, file }]) => [
    ...[name, source, mode, kind, `/bodies/${files.indexOf(file)}`],
  ]);
  pyodide.runPython("import sys; sys.path.insert(0, '/checkout')");
  subject = pyodide.pyimport("bench.parsers._pyodide_subject");
  subject.setup(JSON.stringify(inside));
  const { user, system } = process.cpuUsage(); // us
  return { cases: Object.keys(cases), cpu: (user + system) * 1000 };
}

async function answer(command) {
  if ("run" in command) return subject.run(command.run, command.n) ?? {};
  if ("answer" in command) return { said: subject.answer(command.answer) };
  return setUp(command);
}

for await (const line of createInterface({ input: process.stdin })) {
  try {
    console.log(JSON.stringify(await answer(JSON.parse(line))));
  } catch (error) {
    // Of an error in Python the last line: what was raised.
    const said = String(error.message ?? error).trim().split("\n").at(-1);
    console.log(JSON.stringify({ error: said }));
    process.exit(1); // Pyodide may be in no state to go on
  }
}
