package mirror

import (
	"testing"

	"github.com/zkkex/zkkex/registry/internal/witnesstest"
)

func newWitness(t testing.TB, name string) *witnesstest.Witness {
	t.Helper()
	w, err := witnesstest.New(name)
	if err != nil {
		t.Fatal(err)
	}
	return w
}
