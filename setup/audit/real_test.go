package audit_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/setup/audit"
	"github.com/zkkex/zkkex/setup/ceremony"
	"github.com/zkkex/zkkex/setup/ceremony/ceremonytest"
	"github.com/zkkex/zkkex/setup/params"
)

// The real circuit, once: everything else here is about a small one.
func TestRealCircuit(t *testing.T) {
	ceremonytest.Cache(t)
	ctx := context.Background()
	folder := t.TempDir()
	c, err := ceremony.Init(ctx, filepath.Join(folder, "ceremony"), ceremony.Options{
		Circuit: zkkex.BabyJubjub20, Name: "test", Kind: params.Ceremony, Created: ceremonytest.Created,
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := c.Contribute(ctx, ceremony.Contributor{Name: "Alice", Signer: ceremonytest.Key(t, "Alice")}, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Beacon(ctx, ceremonytest.BeaconSource, ceremonytest.BeaconValue, nil); err != nil {
			t.Fatal(err)
		}
	}
	sealed := filepath.Join(folder, "set")
	if _, err := c.Seal(ctx, sealed, nil); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	report, err := audit.Verify(ctx, os.DirFS(sealed), audit.Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("audited in %v", time.Since(began))
	if !report.Sound() {
		t.Error(report.Err())
	}
}
