package params_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/plonktest"
	"github.com/zkkex/zkkex/setup/params"
)

// TestManifestIsNotWritten: what nobody would read has no encoding and no digest.
func TestManifestIsNotWritten(t *testing.T) {
	folder, _ := plonktest.Folder(t, zkkex.BabyJubjub20Plonk)
	sample := folder[params.ManifestFile].Data
	for name, test := range map[string]struct {
		change func(m *params.Manifest)
		want   error
		says   string
	}{
		"of another kind": {func(m *params.Manifest) { m.Kind = "trusted" }, zkkex.ErrMalformed, `"trusted"`},
		"too large": {func(m *params.Manifest) {
			m.Universal.Contributors = slices.Repeat([]string{strings.Repeat("字", params.MaxContributor)}, params.MaxContributors)
		}, zkkex.ErrMalformed, "at most 16384 bytes"},
	} {
		m, err := params.ParseManifest(sample)
		if err != nil {
			t.Fatal(err)
		}
		test.change(m)
		if b, err := m.Bytes(); !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) || b != nil {
			t.Errorf("%s: %d bytes, %v; want %v that says %q", name, len(b), err, test.want, test.says)
		}
		if digest, err := m.Digest(); err == nil || digest != (zkkex.ParamsDigest{}) {
			t.Errorf("%s: digest %v, %v", name, digest, err)
		}
	}
}
