package member_test

import (
	"context"
	"fmt"
	"log"
	"path/filepath"
	"strings"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/member"
	"github.com/zkkex/zkkex/setup/dev"
	"github.com/zkkex/zkkex/setup/params"
	"github.com/zkkex/zkkex/slots"
)

// A member of a registry proves for a message. The registry is a folder here,
// that its registrar exported; over a network, Enrol takes the place of
// EnrolOffline.
func Example() {
	registrar := newRegistrar() // somebody else, somewhere else
	defer registrar.close()
	home := filepath.Join(registrar.temp, "home")

	// Once: make a key, trust a registry, and ask for admission.
	secret, err := keys.Generate()
	check(err)
	check(member.CreateWithUnencryptedKey(home, secret, slots.Range{}, time.Now()))
	m, err := member.Open(home, member.Options{Params: devParams})
	check(err)
	defer m.Close()
	id, err := m.Trust(member.Registry{URL: registrar.url, VerifierKey: registrar.key})
	check(err)
	request, err := m.EnrolOffline(registrar.challenge())
	check(err)
	registrar.admit(request)

	// On a schedule: sync. For every proof: say what it authorises.
	_, err = m.Sync(context.Background(), id)
	check(err)
	message, err := zkkex.Message(strings.NewReader("buy 3 at 100"))
	check(err)
	claim, err := m.NamedClaim(id, "rfq.example/2026", zkkex.DefaultSchedule(), 10, message)
	check(err)
	presentation, err := m.Prove(context.Background(), id, claim)
	check(err)

	left, err := m.SlotsLeft(claim)
	check(err)
	fmt.Println(presentation.Statement.Circuit, len(presentation.Proof), "bytes,", left, "slots left")
	// Output: babyjubjub-20 128 bytes, 9 slots left
}

// devParams opens the development parameters, whose maker could forge proofs.
func devParams(id zkkex.CircuitID) (*params.Proving, error) {
	fsys, err := dev.FS(id)
	if err != nil {
		return nil, err
	}
	return params.OpenProving(fsys, params.Accept{Dev: true})
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
