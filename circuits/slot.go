package circuits

import (
	"fmt"

	"github.com/consensys/gnark/frontend"
)

// SlotBits is the width of a slot, in bits.
const SlotBits = 32

// SlotWires are the bits of the slot, and of limit - 1 - slot, lowest first.
type SlotWires struct {
	Slot [SlotBits]frontend.Variable
	Rest [SlotBits]frontend.Variable
}

// slotBelow returns the slot and asserts slot < limit: both the slot and what
// is left above it are numbers of SlotBits bits, so that neither can be
// negative modulo the field's order, and they add up to limit - 1.
func slotBelow(api frontend.API, w *SlotWires, limit frontend.Variable) frontend.Variable {
	slot := compose(api, "slot: bit %d is boolean", w.Slot[:])
	rest := compose(api, "slot: bit %d of the rest is boolean", w.Rest[:])
	assertEqual(api, "slot: slot and rest add up to limit - 1", api.Add(slot, rest, 1), limit)
	return slot
}

func compose(api frontend.API, label string, bits []frontend.Variable) frontend.Variable {
	sum := frontend.Variable(0)
	for i, bit := range bits {
		assertBoolean(api, fmt.Sprintf(label, i), bit)
		sum = api.Add(sum, api.Mul(bit, uint64(1)<<i))
	}
	return sum
}
