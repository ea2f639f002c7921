package circuits

import (
	"fmt"

	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/std/permutation/poseidon2"

	"github.com/zkkex/zkkex/internal/field"
)

// hasher is the circuit twin of internal/field's compressions
// f_t(x) = P_t(x)[0] + x[0].
type hasher struct {
	api          frontend.API
	permutations map[int]*poseidon2.Permutation
}

func newHasher(api frontend.API) (*hasher, error) {
	h := &hasher{api: api, permutations: make(map[int]*poseidon2.Permutation)}
	for _, width := range []int{2, 3, 4, 8} {
		p, err := poseidon2.NewPoseidon2FromParameters(api, width, field.FullRounds, field.PartialRounds(width))
		if err != nil {
			return nil, fmt.Errorf("poseidon2 of width %d: %w", width, err)
		}
		h.permutations[width] = p
	}
	return h, nil
}

// compress returns f_t of its t arguments.
func (h *hasher) compress(x ...frontend.Variable) (frontend.Variable, error) {
	p, ok := h.permutations[len(x)]
	if !ok {
		return nil, fmt.Errorf("no compression of width %d", len(x))
	}
	state := append([]frontend.Variable(nil), x...)
	if err := p.Permutation(state); err != nil {
		return nil, err
	}
	return h.api.Add(state[0], x[0]), nil
}
