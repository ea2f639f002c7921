package registrar

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/devicetest"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/registry"
)

// specMember is member "a" of testdata/leaf/leaf.json.
func specMember(t *testing.T) *keys.Public {
	t.Helper()
	decode := func(digits string) [32]byte {
		b, err := zkkex.ParseHex(digits)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	key := decode("df5131ae39bb7d482d8478a83e0e040cd1ea0fe68f85ec48ef2fd87aaf430ba5")
	p, err := keys.ParsePublic(zkkex.KeyBabyJubjub, key[:],
		decode("240eec2879763b9c53c62ce3837e25ba53562193fee2a1ef803885d537714f78"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestSpecSamples compares the samples in docs/spec/registry.md with what a
// registrar writes.
func TestSpecSamples(t *testing.T) {
	dir, r := newRegistrar(t)
	p := specMember(t)
	mustAdmit(t, r, p, testTime)
	if _, err := r.RevokeKey(p, testTime); err != nil {
		t.Fatal(err)
	}
	checkpoint(t, r, testTime)
	journal := []byte(snapshot(t, dir)[journalFile])
	inSpec(t, "the journal's first record", hex.EncodeToString(journal[offsetOf(0):offsetOf(1)]))
	inSpec(t, "the journal's second record", hex.EncodeToString(journal[offsetOf(1):offsetOf(2)]))
	bundle, err := r.Tile("tile/entries/000.p/2")
	if err != nil {
		t.Fatal(err)
	}
	inSpec(t, "the bundle of operations", hex.EncodeToString(bundle))
	hashes, err := r.Tile("tile/0/000.p/2")
	if err != nil {
		t.Fatal(err)
	}
	inSpec(t, "the tile of hashes", hex.EncodeToString(hashes))
	deviceDir, devices := newRegistrar(t)
	device, err := keys.ParsePublic(zkkex.KeyP256, devicetest.New(t, zkkex.KeyP256, "a").PublicKey, p.NullifierKeyHash())
	if err != nil {
		t.Fatal(err)
	}
	mustAdmitDevice(t, devices, device, &Delegation{p, testTime.Add(day)}, testTime)
	journal = []byte(snapshot(t, deviceDir)[journalFile])
	inSpec(t, "a device's record", hex.EncodeToString(journal[offsetOf(0):offsetOf(1)]))
	inSpec(t, "a delegate's record", hex.EncodeToString(journal[offsetOf(1):offsetOf(2)]))
	inSpec(t, "a journal header", hex.EncodeToString(header{capacityBits: registry.SmallCapacityBits, id: zkkex.RegistryID{1, 2, 3}}.encode()))
}

// inSpec checks that the specification shows a sample, in lines of any length.
func inSpec(t *testing.T, what, sample string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/spec/registry.md")
	if err != nil {
		t.Fatal(err)
	}
	squeeze := func(s string) string { return strings.Join(strings.Fields(s), "") }
	if sample == "" || !strings.Contains(squeeze(string(text)), squeeze(sample)) {
		t.Errorf("docs/spec/registry.md does not show %s:\n%s", what, sample)
	}
}
