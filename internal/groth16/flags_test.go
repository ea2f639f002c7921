package groth16

// Flags in the two highest bits of a compressed point's first byte.
const (
	flagMask       = 0b11 << 6
	flagInfinity   = 0b01 << 6
	flagSmallestY  = 0b10 << 6
	coordinateMask = 0xff &^ flagMask
)
