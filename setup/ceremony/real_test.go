package ceremony_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/zkkex/zkkex/prover"
	"github.com/zkkex/zkkex/setup/ceremony"
	"github.com/zkkex/zkkex/setup/ceremony/ceremonytest"
	"github.com/zkkex/zkkex/setup/params"
)

// The circuit that ships: the sealed set opens like any other, for whoever pins
// its digest, and the proving key's points are checked one by one.
func TestRealCircuit(t *testing.T) {
	ceremonytest.Cache(t)
	plan := ceremonytest.Plan{Imported: true, Phase2: []string{"Bob"}, Signed: []string{"Bob"}}
	c, _ := plan.Run(t)
	dir := filepath.Join(t.TempDir(), "set")
	steps := 0
	m, err := c.Seal(context.Background(), dir, func(_ string, done, total int) {
		if steps++; done < 0 || done > total {
			t.Errorf("%d of %d steps are done", done, total)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if steps == 0 {
		t.Error("no progress was reported")
	}
	digest, err := m.Digest()
	if err != nil {
		t.Fatal(err)
	}
	set, err := params.OpenProving(os.DirFS(dir), params.Accept{Digest: &digest})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := prover.Open(set); err != nil {
		t.Error(err)
	}
	if info := c.Status().Entries; info[0].Size < 1<<17 || info[0].Kind != ceremony.Contribution {
		t.Errorf("the contribution to phase 2 has %d bytes: not of the real circuit", info[0].Size)
	}
}
