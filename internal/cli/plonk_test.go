package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/plonk"
	"github.com/zkkex/zkkex/internal/plonktest"
	"github.com/zkkex/zkkex/setup/params"
)

// TestPlonkScripts runs scripts with a set of PLONK in the folder set, whose digest
// is $DIGEST, and one with another verifying key in the folder forged.
func TestPlonkScripts(t *testing.T) {
	set, digest := plonktest.Folder(t, zkkex.BabyJubjub20Plonk)
	forged, _ := plonktest.Folder(t, zkkex.BabyJubjub20Plonk)
	points, err := plonk.ParsePoints(forged[params.VerifyingKeyFile].Data)
	if err != nil {
		t.Fatal(err)
	}
	points.Left = points.Right
	forged[params.VerifyingKeyFile].Data = points.Bytes()
	m, err := params.ParseManifest(forged[params.ManifestFile].Data)
	if err != nil {
		t.Fatal(err)
	}
	m.VerifyingKey = params.Describe(points.Bytes())
	if forged[params.ManifestFile].Data, err = m.Bytes(); err != nil {
		t.Fatal(err)
	}
	p := scriptParams("testdata/plonk", func(t testscript.T, leaks []string) {
		if len(leaks) > 0 {
			t.Fatal("secrets were printed: ", leaks)
		}
	})
	prepare := p.Setup
	p.Setup = func(env *testscript.Env) error {
		env.Setenv("DIGEST", digest.String())
		for name, b := range set {
			if err := writeIn(filepath.Join(env.WorkDir, "set"), name, b.Data); err != nil {
				return err
			}
		}
		for name, b := range forged {
			if err := writeIn(filepath.Join(env.WorkDir, "forged"), name, b.Data); err != nil {
				return err
			}
		}
		return prepare(env)
	}
	testscript.Run(t, p)
}

func writeIn(dir, name string, b []byte) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, name), b, 0o644)
}
