// Package compiled gives the setup the constraint systems that it works on: the
// circuits of package circuits, each compiled once. Tests that are about files
// and not about circuits put a small one in a circuit's place.
package compiled

import (
	"sync"

	cs "github.com/consensys/gnark/constraint/bn254"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/circuits"
)

var (
	mu      sync.Mutex
	systems = map[zkkex.CircuitID]*cs.R1CS{}
)

// Circuit returns the constraint system of a circuit, which must not be changed.
// It returns the error of [circuits.Compile].
func Circuit(id zkkex.CircuitID) (*cs.R1CS, error) {
	mu.Lock()
	defer mu.Unlock()
	if system := systems[id]; system != nil {
		return system, nil
	}
	system, err := circuits.Compile(id)
	if err != nil {
		return nil, err
	}
	systems[id] = system
	return system, nil
}

// TestingOnlyReplace puts system in the place of a circuit, for all of the
// process, until restore is called.
func TestingOnlyReplace(id zkkex.CircuitID, system *cs.R1CS) (restore func()) {
	mu.Lock()
	defer mu.Unlock()
	before := systems[id]
	systems[id] = system
	return func() {
		mu.Lock()
		defer mu.Unlock()
		systems[id] = before
	}
}
