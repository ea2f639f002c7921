package params_test

import (
	"strings"
	"testing"

	"github.com/zkkex/zkkex/setup/params"
)

// A development set may be made by the commands of a ceremony, and then says so;
// it is one for development all the same.
func TestDevelopmentSetOfACeremony(t *testing.T) {
	text := strings.Replace(ceremonyManifest(t), `"kind": "ceremony"`, `"kind": "dev"`, 1)
	m, err := params.ParseManifest([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if m.Kind != params.Dev || m.Ceremony == nil {
		t.Errorf("kind %q, ceremony %v", m.Kind, m.Ceremony)
	}
}
