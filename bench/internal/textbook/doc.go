// Package textbook is the yardstick that zkkex's prover is measured against: the
// circuit that gnark's documentation leads to, for the same statement.
//
// It proves the same relation as circuit babyjubjub-20, with the same key, leaf,
// nullifier, slot range and public inputs in the same order, and differs where
// the textbook does:
//
//   - the member tree is binary, 20 levels of f_2 (Poseidon2 of width 2 at 8 and
//     56 rounds), with one selector bit per level;
//   - the key is multiplied in unsigned windows of two bits, with the complete
//     Edwards addition of gnark's own twistededwards package;
//   - scalar and slot are taken apart with the builder's ToBinary.
//
// It is a sound circuit and no strawman: windows share one product between both
// coordinates, points are constants, and nothing is computed twice. It is
// frozen: testdata/constraints.csv has its counts, and a change of them makes
// every ratio published before meaningless.
package textbook
