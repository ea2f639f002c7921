// Package quiet silences gnark, in one place. gnark's logger writes to standard
// output, where it would end up in the middle of what a command was asked for.
package quiet

import (
	"sync"

	"github.com/consensys/gnark/logger"
)

var once sync.Once

// Gnark turns gnark's logger off, for the whole process. It must be called
// before gnark compiles, sets up, proves or verifies.
func Gnark() { once.Do(logger.Disable) }
