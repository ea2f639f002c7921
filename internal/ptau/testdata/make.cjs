// Makes .ptau files with snarkjs, in the current folder:
//
//   node make.cjs POWER [small]
//
// new.ptau has no contribution, one.ptau has one. Unless "small" is given there
// are more: only.ptau has nothing but a beacon; two.ptau two contributions;
// beacon.ptau two and a beacon; other.ptau one of another ceremony; prepared.ptau
// is beacon.ptau with the sections for phase 2; cut02.ptau and so on are
// prepared.ptau truncated; bls.ptau is of another curve. responses has the hashes
// of 64 bytes that snarkjs showed to those who contributed to beacon.ptau, and
// beacon.challenge all points of that file as snarkjs hashes them.
"use strict";

const fs = require("fs");
const snarkjs = require("../../../.node/node_modules/snarkjs");
const ffjavascript = require("../../../.node/node_modules/ffjavascript");
const tau = snarkjs.powersOfTau;
const beacon = "0102030405060708090a0b0c0d0e0f";

async function main(power, small) {
    const curve = await ffjavascript.buildBn128();
    const responses = [];
    await tau.newAccumulator(curve, power, "new.ptau");
    responses.push(await tau.contribute("new.ptau", "one.ptau", "Alice", "dice of Alice"));
    if (small) return;
    responses.push(await tau.contribute("one.ptau", "two.ptau", "Bob, of Zürich", "dice of Bob"));
    responses.push(await tau.beacon("two.ptau", "beacon.ptau", "the beacon", beacon, 10));
    await tau.beacon("new.ptau", "only.ptau", "nobody", beacon, 10);
    await tau.contribute("new.ptau", "other.ptau", "Carol", "dice of Carol");
    await tau.preparePhase2("beacon.ptau", "prepared.ptau");
    await tau.truncate("prepared.ptau", "cut");
    await tau.exportChallenge("beacon.ptau", "beacon.challenge");
    fs.writeFileSync("responses", Buffer.concat(responses.map((r) => Buffer.from(r))));

    const bls = await ffjavascript.buildBls12381();
    await tau.newAccumulator(bls, 3, "bls.ptau");
}

main(Number(process.argv[2]), process.argv[3] === "small").then(() => process.exit(0), (err) => {
    console.error(err);
    process.exit(1);
});
