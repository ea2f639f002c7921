// Asks snarkjs for its verdict about each case of a file, a list of objects with
// name, key, inputs and proof. Prints a list of objects with name and verdict:
// true, false, or what it threw.
const fs = require("fs");
const { groth16 } = require("snarkjs");

async function main() {
  const cases = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
  const verdicts = [];
  for (const c of cases) {
    let verdict;
    try {
      verdict = String(await groth16.verify(c.key, c.inputs, c.proof));
    } catch (e) {
      verdict = "threw: " + e.message;
    }
    verdicts.push({ name: c.name, verdict });
  }
  console.log(JSON.stringify(verdicts));
  process.exit(0); // snarkjs leaves its workers running
}

main().catch((e) => {
  console.error(e);
  process.exit(1);
});
