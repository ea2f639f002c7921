// Makes .ptau files with snarkjs, in the current folder:
//
//   node make.cjs POWER
//
// new.ptau has no contribution; one.ptau one; beacon.ptau two and a beacon;
// prepared.ptau is beacon.ptau with the sections for phase 2; cut02.ptau and so
// on are prepared.ptau truncated; bls.ptau is of another curve.
"use strict";

const snarkjs = require("../../../.node/node_modules/snarkjs");
const ffjavascript = require("../../../.node/node_modules/ffjavascript");

async function main(power) {
    const tau = snarkjs.powersOfTau;
    const curve = await ffjavascript.buildBn128();
    await tau.newAccumulator(curve, power, "new.ptau");
    await tau.contribute("new.ptau", "one.ptau", "Alice", "dice of Alice");
    await tau.contribute("one.ptau", "two.ptau", "Bob, of Zürich", "dice of Bob");
    await tau.beacon("two.ptau", "beacon.ptau", "the beacon", "0102030405060708090a0b0c0d0e0f", 10);
    await tau.preparePhase2("beacon.ptau", "prepared.ptau");
    await tau.truncate("prepared.ptau", "cut");
    await curve.terminate();

    const bls = await ffjavascript.buildBls12381();
    await tau.newAccumulator(bls, 3, "bls.ptau");
    await bls.terminate();
}

main(Number(process.argv[2])).then(() => process.exit(0), (err) => {
    console.error(err);
    process.exit(1);
});
