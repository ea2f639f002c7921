package bench

import (
	"context"
	"crypto/ecdh"
	"crypto/mlkem"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/admission"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/session"
	"github.com/zkkex/zkkex/setup/params"
	"github.com/zkkex/zkkex/venue"
	"github.com/zkkex/zkkex/venue/descriptor"
)

// plenty is a cap that no benchmark reaches.
const plenty = 1 << 24

// The suites that venues offer by default: the plain one, and the one with a
// static ML-KEM prekey.
var plainSuite, prekeySuite = venue.DefaultSuites()[0], venue.DefaultSuites()[1]

// exchange is a venue with a gate and a store on disk, as it is in use but for
// its caps. There is one descriptor, number 1, and the clock of its gate stands
// still: an epoch may end during a run.
type exchange struct {
	secrets exchangeSecrets
	dir     string
	keys    handshake.Keys
	config  admission.Config
	store   atomic.Pointer[admission.Dir]
	gate    atomic.Pointer[admission.Gate]
	stores  int
	epoch   zkkex.Epoch
}

// exchangeSecrets are what an exchange is made of: two processes that have them are
// the same venue, each with a store of its own. None of it outlives the run.
type exchangeSecrets struct {
	Static []byte     `json:"static"`
	Prekey []byte     `json:"prekey"`
	Root   zkkex.Root `json:"root"`
	Now    time.Time  `json:"now"`
}

// newExchange makes a venue that admits the members of m's registry, with its
// stores below dir. The caller closes it.
func newExchange(m *member, dir string) (*exchange, error) {
	static, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	prekey, err := mlkem.GenerateKey768()
	if err != nil {
		return nil, err
	}
	return newExchangeOf(exchangeSecrets{static.Bytes(), prekey.Bytes(), m.st.Root, time.Now()}, m.verifying, dir)
}

func newExchangeOf(s exchangeSecrets, verifying *params.Verifying, dir string) (*exchange, error) {
	epoch, err := zkkex.DefaultSchedule().At(s.Now)
	if err != nil {
		return nil, err
	}
	static, err := ecdh.X25519().NewPrivateKey(s.Static)
	if err != nil {
		return nil, err
	}
	prekey, err := mlkem.NewDecapsulationKey768(s.Prekey)
	if err != nil {
		return nil, err
	}
	e := &exchange{
		secrets: s,
		epoch:   epoch,
		keys: handshake.Keys{
			ID: [32]byte{1}, Number: 1, Digest: [32]byte{2},
			Suites: []string{string(plainSuite), string(prekeySuite)},
			Static: static, Prekey: prekey,
			Padding:  [2]uint16{venue.DefaultPadding, venue.DefaultPaddingWithCertificate},
			MaxOpens: plenty, MaxChannels: plenty,
		},
		config: admission.Config{
			Venue: [32]byte{1}, Schedule: epoch.Schedule, Registry: zkkex.RegistryID{1}, Roots: benchRoots{},
			Params: []*params.Verifying{verifying},
			Now:    func() time.Time { return s.Now },
			Terms: admission.Terms{
				MaxOpens: plenty, MaxChannels: plenty,
				Epochs: []descriptor.EpochTerms{{Number: epoch.Number, Limit: venue.DefaultLimit, Sequence: crowd, Root: s.Root}},
			},
		},
	}
	if e.dir, err = os.MkdirTemp(dir, "zkkex-bench-*"); err != nil {
		return nil, err
	}
	if err := e.forget(); err != nil {
		return nil, errors.Join(err, e.close())
	}
	return e, nil
}

// forget puts an empty store in the place of the present one, so that
// certificates are admitted for the first time again.
func (e *exchange) forget() error {
	if err := e.closeStore(); err != nil {
		return err
	}
	path := filepath.Join(e.dir, fmt.Sprint(e.stores))
	e.stores++
	if err := admission.Init(path); err != nil {
		return err
	}
	store, err := admission.OpenDir(path)
	if err != nil {
		return err
	}
	e.store.Store(store)
	c := e.config
	c.Store = store
	gate, err := admission.New(c)
	if err != nil {
		return err
	}
	e.gate.Store(gate)
	return nil
}

func (e *exchange) closeStore() error {
	if s := e.store.Swap(nil); s != nil {
		return s.Close()
	}
	return nil
}

func (e *exchange) close() error { return errors.Join(e.closeStore(), os.RemoveAll(e.dir)) }

// Keys implements [handshake.KeySource].
func (e *exchange) Keys(number uint64) (*handshake.Keys, error) {
	if number != e.keys.Number {
		return nil, handshake.ErrUnknownDescriptor
	}
	return &e.keys, nil
}

// The gate is that of the present store.
func (e *exchange) Admitted(ctx context.Context, key [32]byte) (*handshake.Admission, error) {
	return e.gate.Load().Admitted(ctx, key)
}

func (e *exchange) Admit(ctx context.Context, p *zkkex.Presentation) (*handshake.Admission, error) {
	return e.gate.Load().Admit(ctx, p)
}

func (e *exchange) Spend(ctx context.Context, a *handshake.Admission, counter uint32, durable bool) error {
	return e.gate.Load().Spend(ctx, a, counter, durable)
}

func (e *exchange) Acquire(a *handshake.Admission) (func(), error) { return e.gate.Load().Acquire(a) }

func (e *exchange) Live(a *handshake.Admission, _ time.Time) (time.Time, error) {
	g := e.gate.Load()
	_, err := g.Live(a, e.config.Now())
	return time.Now().Add(time.Hour), err // whenever the epoch ends, not during a run
}

// responder returns one that turns nobody away for coming often.
func (e *exchange) responder(l handshake.Load) (*handshake.Responder, error) {
	return handshake.NewResponder(handshake.ResponderConfig{Keys: e, Gate: e, Load: l})
}

// generous is a load without a limit per address, for a machine that talks to
// itself.
func generous() handshake.Load { return handshake.Load{Rate: plenty, Burst: plenty} }

// known is what a member knows of the venue.
func (e *exchange) known(suite descriptor.Suite) *handshake.Venue {
	return &handshake.Venue{
		ID: e.keys.ID, Number: e.keys.Number, Digest: e.keys.Digest, Suite: string(suite),
		Static: e.keys.Static.PublicKey(), Prekey: e.keys.Prekey.EncapsulationKey(),
		Padding: e.keys.Padding, MaxOpens: e.keys.MaxOpens,
	}
}

// certificate proves for a slot of the epoch.
func (e *exchange) certificate(m *member, slot uint32) (*session.Certificate, error) {
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	p := &zkkex.Presentation{
		Statement: *m.st, Params: m.prover.Params(), Registry: e.config.Registry, RootSequence: crowd,
		Epoch: e.epoch, Authorization: zkkex.SessionKey([32]byte(key.PublicKey().Bytes())),
	}
	p.Statement.Limit = venue.DefaultLimit
	p.Statement.Scope = zkkex.VenueScope{Venue: e.config.Venue, Registry: p.Registry, Epoch: e.epoch}.Scope()
	p.Statement.Nullifier = m.witness.Secret.Nullifier(p.Statement.Scope, slot)
	p.Statement.Binding, err = p.Authorization.Binding(zkkex.BindingContext{
		Circuit: p.Statement.Circuit, Params: p.Params, Registry: p.Registry,
		RootSequence: p.RootSequence, Scope: p.Statement.Scope, Limit: p.Statement.Limit,
	})
	if err != nil {
		return nil, err
	}
	w := *m.witness
	w.Slot = slot
	if p.Proof, err = m.prover.Prove(context.Background(), &p.Statement, &w); err != nil {
		return nil, err
	}
	return session.New(p, key)
}

// admitted returns a certificate that the venue has admitted.
func (e *exchange) admitted(m *member, slot uint32) (*session.Certificate, error) {
	c, err := e.certificate(m, slot)
	if err != nil {
		return nil, err
	}
	if _, err := e.Admit(context.Background(), c.Presentation()); err != nil {
		return nil, err
	}
	c.MarkAdmitted()
	return c, nil
}

// benchRoots knows every checkpoint that it is asked for.
type benchRoots struct{}

func (benchRoots) Find(sequence uint64, root zkkex.Root) (*registry.Checkpoint, error) {
	return &registry.Checkpoint{Sequence: sequence, Root: root, Members: map[zkkex.KeyType]uint64{zkkex.KeyBabyJubjub: crowd}}, nil
}

func (benchRoots) Registry() zkkex.RegistryID { return zkkex.RegistryID{1} }
