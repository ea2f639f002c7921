package pkcs11

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"math/big"
	"slices"
	"sync"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"github.com/zkkex/zkkex/internal/eckey"
)

// fake is a library with tokens that break in ways that SoftHSM cannot.
type fake struct {
	mu       sync.Mutex
	tokens   []*fakeToken // by slot; nil is an empty slot
	sessions map[uint]*fakeToken
	last     uint // handle
	users    int
	calls    map[string]int
	faults   map[string]func() error // called before a method; may be nil
}

type fakeToken struct {
	info     tokenInfo
	pin      string
	tries    []string // PINs that it was given
	loggedIn bool
	objects  []*fakeObject
	methods  []uint
	answer   func([]byte) []byte // changes signatures
	secret   func([]byte) []byte // changes derived secrets
	mute     bool                // does not say that a wrong PIN was given
}

type fakeObject struct {
	attributes map[uint]any
	sk         *big.Int
	curve      eckey.Curve
	handle     uint
	reauthed   bool
}

const rightPIN = "hunter2"

// newFake returns a library with tokens. Nothing may be left open at the test's end.
func newFake(t *testing.T, tokens ...*fakeToken) *fake {
	f := &fake{tokens: tokens, sessions: map[uint]*fakeToken{}, calls: map[string]int{}, faults: map[string]func() error{}, last: 100}
	t.Cleanup(func() {
		if err := f.leaks(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func newToken(label string, objects ...*fakeObject) *fakeToken {
	return &fakeToken{
		info:    tokenInfo{label: label, manufacturer: "Maker", model: "M1", serial: "S-" + label, flags: flagInitialized | flagLoginRequired},
		pin:     rightPIN,
		objects: objects,
		methods: []uint{mechanismECDSA, mechanismECDH},
	}
}

// newPair returns a private and a public key object.
func newPair(t *testing.T, c eckey.Curve, label, id string) (private, public *fakeObject) {
	t.Helper()
	sk, err := rand.Int(rand.Reader, c.Order())
	if err != nil {
		t.Fatal(err)
	}
	return pairOf(t, c, sk, label, id)
}

func pairOf(t *testing.T, c eckey.Curve, sk *big.Int, label, id string) (private, public *fakeObject) {
	t.Helper()
	point := publicOf(t, c, sk)
	params := []byte{0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}
	if c == eckey.Secp256k1 {
		params = []byte{0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a}
	}
	uncompressed := point.Uncompressed()
	private = &fakeObject{sk: sk, curve: c, attributes: map[uint]any{
		attrClass: uint(classPrivateKey), attrKeyType: uint(keyEC), attrLabel: label, attrID: id, attrECParams: params,
		attrSign: true, attrDerive: true, attrSensitive: true, attrExtractable: false,
	}}
	public = &fakeObject{curve: c, attributes: map[uint]any{
		attrClass: uint(classPublicKey), attrKeyType: uint(keyEC), attrLabel: label, attrID: id, attrECParams: params,
		attrECPoint: append([]byte{4, 65}, uncompressed[:]...),
	}}
	return private, public
}

func publicOf(t *testing.T, c eckey.Curve, sk *big.Int) eckey.PublicKey {
	t.Helper()
	scalar := sk.FillBytes(make([]byte, 32))
	var encoded []byte
	if c == eckey.P256 {
		key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar)
		if err != nil {
			t.Fatal(err)
		}
		if encoded, err = key.PublicKey.Bytes(); err != nil {
			t.Fatal(err)
		}
	} else {
		encoded = secp256k1.PrivKeyFromBytes(scalar).PubKey().SerializeUncompressed()
	}
	p, err := c.FromUncompressed(encoded)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// enter counts a call and returns its fault.
func (f *fake) enter(method string) error {
	f.mu.Lock()
	f.calls[method]++
	fault := f.faults[method]
	f.mu.Unlock()
	if fault == nil {
		return nil
	}
	return fault()
}

// once returns a fault that happens once.
func (f *fake) once(err error) func() error {
	done := false
	return func() error {
		if done {
			return nil
		}
		done = true
		return err
	}
}

// remove takes a token out: its sessions and its login end.
func (f *fake) remove(slot int) *fakeToken {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := f.tokens[slot]
	f.tokens[slot] = nil
	t.loggedIn = false
	for s, of := range f.sessions {
		if of == t {
			delete(f.sessions, s)
		}
	}
	return t
}

// insert puts a token in.
func (f *fake) insert(slot int, t *fakeToken) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tokens[slot] = t
}

func (f *fake) count(method string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[method]
}

func (f *fake) of(session uint) (*fakeToken, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := f.sessions[session]
	if t == nil {
		return nil, rvSessionHandleInvalid
	}
	return t, nil
}

func (f *fake) load(string) (module, error) {
	if err := f.enter("load"); err != nil {
		return nil, err
	}
	f.users++
	return f, nil
}

func (f *fake) slots() (slots []uint, err error) {
	if err := f.enter("slots"); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, t := range f.tokens {
		if t != nil {
			slots = append(slots, uint(i))
		}
	}
	return slots, nil
}

func (f *fake) token(slot uint) (tokenInfo, error) {
	if err := f.enter("token"); err != nil {
		return tokenInfo{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if t := f.tokens[slot]; t != nil {
		return t.info, nil
	}
	return tokenInfo{}, rvTokenNotPresent
}

func (f *fake) mechanisms(slot uint) ([]uint, error) {
	if err := f.enter("mechanisms"); err != nil {
		return nil, err
	}
	return f.tokens[slot].methods, nil
}

func (f *fake) openSession(slot uint) (uint, error) {
	if err := f.enter("openSession"); err != nil {
		return 0, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.tokens[slot] == nil {
		return 0, rvTokenNotPresent
	}
	f.last++
	f.sessions[f.last] = f.tokens[slot]
	return f.last, nil
}

func (f *fake) closeSession(session uint) error {
	if err := f.enter("closeSession"); err != nil {
		return err
	}
	t, err := f.of(session)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.sessions, session)
	for _, other := range f.sessions {
		if other == t {
			return nil
		}
	}
	t.loggedIn = false // the last one
	return nil
}

func (f *fake) loggedIn(session uint) (bool, error) {
	t, err := f.of(session)
	if err != nil {
		return false, err
	}
	return t.loggedIn, nil
}

func (f *fake) login(session, user uint, pin string) error {
	if err := f.enter("login"); err != nil {
		return err
	}
	t, err := f.of(session)
	if err != nil {
		return err
	}
	t.tries = append(t.tries, pin)
	if pin != t.pin {
		if !t.mute {
			t.info.flags |= flagPINCountLow
		}
		return rvPINIncorrect
	}
	t.info.flags &^= flagPINCountLow | flagPINFinalTry
	if user == userContextSpecific {
		for _, o := range t.objects {
			o.reauthed = true
		}
		return nil
	}
	t.loggedIn = true
	return nil
}

func (f *fake) find(session uint, template []attribute, limit int) (found []uint, err error) {
	if err := f.enter("find"); err != nil {
		return nil, err
	}
	t, err := f.of(session)
	if err != nil {
		return nil, err
	}
	for i, o := range t.objects {
		if o.attributes[attrClass] == uint(classPrivateKey) && !t.loggedIn && t.info.flags&flagLoginRequired != 0 {
			continue
		}
		fits := true
		for _, a := range template {
			fits = fits && o.attributes[a.kind] == a.value
		}
		if fits && len(found) < limit {
			o.handle = uint(i + 1)
			found = append(found, o.handle)
		}
	}
	return found, nil
}

func (f *fake) attribute(session, object, kind uint) ([]byte, error) {
	if err := f.enter("attribute"); err != nil {
		return nil, err
	}
	t, err := f.of(session)
	if err != nil {
		return nil, err
	}
	for _, o := range t.objects {
		if o.handle != object {
			continue
		}
		switch v := o.attributes[kind].(type) {
		case []byte:
			return slices.Clone(v), nil
		case string:
			return []byte(v), nil
		case bool:
			if v {
				return []byte{1}, nil
			}
			return []byte{0}, nil
		case error:
			return nil, v
		default:
			return nil, rvAttributeTypeInvalid
		}
	}
	return nil, rvObjectHandleInvalid
}

func (f *fake) key(session, key uint) (*fakeToken, *fakeObject, error) {
	t, err := f.of(session)
	if err != nil {
		return nil, nil, err
	}
	for _, o := range t.objects {
		if o.handle == key && o.sk != nil {
			return t, o, nil
		}
	}
	return nil, nil, rvKeyHandleInvalid
}

func (f *fake) signInit(session, mechanism, key uint) error {
	if err := f.enter("signInit"); err != nil {
		return err
	}
	t, o, err := f.key(session, key)
	if err != nil {
		return err
	}
	if mechanism != mechanismECDSA {
		return rvMechanismInvalid
	}
	o.reauthed = false
	t.objects[0], t.objects[slices.Index(t.objects, o)] = o, t.objects[0] // the one that signs next
	return nil
}

func (f *fake) sign(session uint, digest []byte) ([]byte, error) {
	if err := f.enter("sign"); err != nil {
		return nil, err
	}
	t, err := f.of(session)
	if err != nil {
		return nil, err
	}
	o := t.objects[0]
	if o.attributes[attrAlwaysAuthenticate] == true && !o.reauthed {
		return nil, rvUserNotLoggedIn
	}
	sig := ecdsaSign(o.curve, o.sk, digest)
	if t.answer != nil {
		sig = t.answer(sig)
	}
	return sig, nil
}

// ecdsaSign signs as devices do: s is in either half.
func ecdsaSign(c eckey.Curve, sk *big.Int, digest []byte) []byte {
	n := c.Order()
	for {
		nonce, err := rand.Int(rand.Reader, n)
		if err != nil || nonce.Sign() == 0 {
			continue
		}
		x := multiple(c, nonce, nil)
		r := new(big.Int).Mod(new(big.Int).SetBytes(x), n)
		s := new(big.Int).Mul(r, sk)
		s.Add(s, new(big.Int).SetBytes(digest))
		s.Mul(s, new(big.Int).ModInverse(nonce, n)).Mod(s, n)
		if r.Sign() == 0 || s.Sign() == 0 {
			continue
		}
		out := make([]byte, 64)
		r.FillBytes(out[:32])
		s.FillBytes(out[32:])
		return out
	}
}

// multiple returns x(k*point), or x(k*G).
func multiple(c eckey.Curve, k *big.Int, point []byte) []byte {
	scalar := k.FillBytes(make([]byte, 32))
	if c == eckey.P256 {
		key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar)
		if err != nil {
			panic(err)
		}
		if point == nil {
			encoded, err := key.PublicKey.Bytes()
			if err != nil {
				panic(err)
			}
			return encoded[1:33]
		}
		own, err := key.ECDH()
		if err != nil {
			panic(err)
		}
		peer, err := own.Curve().NewPublicKey(point)
		if err != nil {
			panic(err)
		}
		x, err := own.ECDH(peer)
		if err != nil {
			panic(err)
		}
		return x
	}
	own := secp256k1.PrivKeyFromBytes(scalar)
	if point == nil {
		return own.PubKey().SerializeUncompressed()[1:33]
	}
	peer, err := secp256k1.ParsePubKey(point)
	if err != nil {
		panic(err)
	}
	return secp256k1.GenerateSharedSecret(own, peer)
}

func (f *fake) deriveECDH(session, key uint, point []byte, template []attribute) (uint, error) {
	if err := f.enter("deriveECDH"); err != nil {
		return 0, err
	}
	t, o, err := f.key(session, key)
	if err != nil {
		return 0, err
	}
	secret := &fakeObject{attributes: map[uint]any{}}
	for _, a := range template {
		secret.attributes[a.kind] = a.value
	}
	value := multiple(o.curve, o.sk, point)
	if t.secret != nil {
		value = t.secret(value)
	}
	secret.attributes[attrValue] = value
	f.last++
	secret.handle = f.last
	t.objects = append(t.objects, secret)
	return secret.handle, nil
}

func (f *fake) destroy(session, object uint) error {
	if err := f.enter("destroy"); err != nil {
		return err
	}
	t, err := f.of(session)
	if err != nil {
		return err
	}
	t.objects = slices.DeleteFunc(t.objects, func(o *fakeObject) bool { return o.handle == object })
	return nil
}

func (f *fake) close() error {
	f.users--
	return f.enter("close")
}

// leaks says what is left open.
func (f *fake) leaks() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.sessions) != 0 || f.users != 0 {
		return fmt.Errorf("%d sessions and %d users are left", len(f.sessions), f.users)
	}
	return nil
}
