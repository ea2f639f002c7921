package enrolment

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/canonical"
	"github.com/zkkex/zkkex/internal/devicetest"
	"github.com/zkkex/zkkex/internal/eckey"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/keys/eddsa"
	"github.com/zkkex/zkkex/keys/envelope"
)

// deviceVector is a device request, checked at a time by a registry with a limit on
// delegations, in seconds. Expect is "valid", "malformed", "unsupported" or the reason
// of the rejection, and Cause the error that the rejection wraps, if any.
type deviceVector struct {
	Name     string `json:"name"`
	Expect   string `json:"expect"`
	Cause    string `json:"cause,omitempty"`
	Registry string `json:"registry"`
	Now      int64  `json:"now"`
	Limit    int64  `json:"limit"`
	Request  string `json:"request"`

	Digest          string `json:"digest,omitempty"`
	DelegateMessage string `json:"delegate_message,omitempty"`
	Leaf            string `json:"leaf,omitempty"`
	DelegateLeaf    string `json:"delegate_leaf,omitempty"`
}

var deviceCauses = map[string]error{
	"point_encoding":         keys.ErrPointEncoding,
	"not_on_curve":           keys.ErrNotOnCurve,
	"identity":               keys.ErrIdentity,
	"small_order":            keys.ErrSmallOrder,
	"not_in_subgroup":        keys.ErrNotInSubgroup,
	"not_canonical":          canonical.ErrNotCanonical,
	"key_encoding":           eckey.ErrKeyEncoding,
	"key_not_on_curve":       eckey.ErrNotOnCurve,
	"scalar":                 eckey.ErrScalar,
	"high_s":                 eckey.ErrHighS,
	"signature":              envelope.ErrSignature,
	"eddsa_signature_scalar": eddsa.ErrSignatureScalar,
	"delegate_scalar":        keys.ErrSignatureScalar,
	"delegate_signature":     keys.ErrSignature,
}

func TestDeviceVectors(t *testing.T) {
	if *update {
		writeDeviceVectors(t)
	}
	text, err := os.ReadFile(deviceVectorsPath)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Comment string         `json:"comment"`
		Vectors []deviceVector `json:"vectors"`
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&file); err != nil {
		t.Fatal(err)
	}
	used := map[string]int{}
	for _, v := range file.Vectors {
		t.Run(v.Name, func(t *testing.T) { checkDeviceVector(t, v) })
		used[v.Expect]++
		used[v.Cause]++
	}
	for _, reason := range []zkkex.Reason{
		"valid", "malformed", "unsupported", zkkex.WrongRegistry, Expired, BadEnvelope, BadKey, BadDelegate,
		BadSignature, BadDelegateSignature, DelegationEnded, DelegationTooLong,
	} {
		if used[string(reason)] == 0 {
			t.Errorf("no vector expects %s", reason)
		}
	}
	for name := range deviceCauses {
		if used[name] == 0 {
			t.Errorf("no vector has the cause %s", name)
		}
	}
}

func checkDeviceVector(t *testing.T, v deviceVector) {
	id, err := zkkex.ParseHex(v.Registry)
	if err != nil {
		t.Fatal(err)
	}
	r, err := ParseDeviceRequest([]byte(v.Request))
	var leaf zkkex.Commitment
	if err == nil {
		leaf, err = r.Verify(id, time.Unix(v.Now, 0))
	}
	if err == nil {
		err = r.CheckDelegation(time.Unix(v.Now, 0), time.Duration(v.Limit)*time.Second)
	}
	switch v.Expect {
	case "valid":
		if err != nil {
			t.Fatal(err)
		}
		checkValidDevice(t, v, r, leaf)
		return
	case "malformed":
		if !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%v; want ErrMalformed", err)
		}
		return
	case "unsupported":
		if !errors.Is(err, zkkex.ErrUnsupported) {
			t.Errorf("%v; want ErrUnsupported", err)
		}
		return
	}
	if string(reasonOf(err)) != v.Expect || errors.Is(err, zkkex.ErrMalformed) {
		t.Errorf("%v; want %s alone", err, v.Expect)
	}
	for name, cause := range deviceCauses {
		alone := v.Cause == "point_encoding" && name == "not_canonical" // says which
		if errors.Is(err, cause) != (name == v.Cause) && !alone {
			t.Errorf("%v; want the cause %q, and is it %s: %v", err, v.Cause, name, errors.Is(err, cause))
		}
	}
}

func checkValidDevice(t *testing.T, v deviceVector, r *DeviceRequest, leaf zkkex.Commitment) {
	message, err := r.Message()
	if err != nil {
		t.Fatal(err)
	}
	digest, err := r.Envelope.Digest(message)
	if err != nil {
		t.Fatal(err)
	}
	delegateMessage, err := r.DelegateMessage()
	if err != nil {
		t.Fatal(err)
	}
	delegateLeaf := ""
	if r.Delegation != nil {
		delegateLeaf = message.Delegate.String()
	}
	got := [4]string{leaf.String(), hex.EncodeToString(digest[:]), hex.EncodeToString(delegateMessage), delegateLeaf}
	if want := [4]string{v.Leaf, v.Digest, v.DelegateMessage, v.DelegateLeaf}; got != want {
		t.Errorf("leaf, digest, the delegate's message and leaf %v; want %v", got, want)
	}
}

// deviceVectors makes good requests, and changes each in one way at a time.
type deviceVectors struct {
	t   *testing.T
	out []deviceVector
}

const limitOfVectors = 2 * day

func (w *deviceVectors) add(name, expect, cause string, r *DeviceRequest, at time.Time, id zkkex.RegistryID) {
	w.addText(name, expect, cause, string(deviceText(r)), at, id)
}

func (w *deviceVectors) addText(name, expect, cause, text string, at time.Time, id zkkex.RegistryID) {
	v := deviceVector{
		Name: name, Expect: expect, Cause: cause, Registry: id.String(), Now: at.Unix(), Limit: int64(limitOfVectors.Seconds()),
		Request: text,
	}
	if expect == "valid" {
		w.explain(&v)
	}
	w.out = append(w.out, v)
}

// explain writes down what a valid request is checked for.
func (w *deviceVectors) explain(v *deviceVector) {
	r, err := ParseDeviceRequest([]byte(v.Request))
	if err != nil {
		w.t.Fatal(err)
	}
	public, err := r.Public()
	if err != nil {
		w.t.Fatal(err)
	}
	message, err := r.Message()
	if err != nil {
		w.t.Fatal(err)
	}
	digest, err := r.Envelope.Digest(message)
	if err != nil {
		w.t.Fatal(err)
	}
	v.Leaf, v.Digest = public.Commitment().String(), hex.EncodeToString(digest[:])
	if r.Delegation != nil {
		possession, err := r.DelegateMessage()
		if err != nil {
			w.t.Fatal(err)
		}
		v.DelegateMessage, v.DelegateLeaf = hex.EncodeToString(possession), message.Delegate.String()
	}
}

// changed returns a copy of a request, changed.
func changed(r *DeviceRequest, change func(*DeviceRequest)) *DeviceRequest {
	c := *r
	c.PublicKey = slices.Clone(r.PublicKey)
	if r.Delegation != nil {
		d := *r.Delegation
		c.Delegation = &d
	}
	change(&c)
	return &c
}

func writeDeviceVectors(t *testing.T) {
	t.Helper()
	w := &deviceVectors{t: t}
	for _, test := range deviceKinds() {
		d := devicetest.New(t, test.keyType, "a")
		name := test.keyType.String() + ", " + test.kind.String()
		w.add(name+", possession", "valid", "", deviceRequest(t, d, test.kind, false), now, registry)
		w.add(name+", delegation", "valid", "", deviceRequest(t, d, test.kind, true), now, registry)
	}
	p256 := devicetest.New(t, zkkex.KeyP256, "a")
	good := deviceRequest(t, p256, envelope.Raw, true)
	w.writeTimes(good)
	w.writeForms(good, deviceRequest(t, p256, envelope.Raw, false))
	w.writeECDSA(good)
	w.writeDelegates(good)
	w.writeEdDSA()
	text, err := json.MarshalIndent(map[string]any{
		"comment": "Device requests in text form (docs/spec/enrolment.md), checked by a registry at a time in Unix seconds, with a limit on delegations in seconds. H(nk) and the delegate are those of member a of testdata/leaf/leaf.json. The device's private key is SHA-256(\"zkkex test device a\"), for eddsa with the top six bits cleared.",
		"vectors": w.out,
	}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(deviceVectorsPath, append(text, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (w *deviceVectors) writeTimes(good *DeviceRequest) {
	expiry, until := time.Unix(good.Challenge.Expiry, 0), time.Unix(good.Delegation.Until, 0)
	w.add("at the end of the allowed clock skew", "valid", "", good, expiry.Add(ClockSkew), registry)
	w.add("a second later", string(Expired), "", good, expiry.Add(ClockSkew+time.Second), registry)
	w.add("longer before its end than a challenge lasts", string(Expired), "", good, expiry.Add(-MaxValidity-ClockSkew-time.Second), registry)
	w.add("shown to another registry", string(zkkex.WrongRegistry), "", good, now, zkkex.RegistryID{9})
	w.add("as long before the end of the delegation as allowed", "valid", "", good, until.Add(-limitOfVectors-ClockSkew), registry)
	w.add("longer before the end of the delegation than allowed", string(DelegationTooLong), "", good, until.Add(-limitOfVectors-ClockSkew-time.Second), registry)
	long := resigned(w.t, changed(good, func(r *DeviceRequest) { r.Challenge.Expiry = r.Delegation.Until }))
	w.add("a second before the delegation ends", "valid", "", long, until.Add(-time.Second), registry)
	w.add("when the delegation ends", string(DelegationEnded), "", long, until, registry)
}

// resigned signs a request again, as the device "a" and the delegate "a".
func resigned(t *testing.T, r *DeviceRequest) *DeviceRequest {
	t.Helper()
	message, err := r.Message()
	if err != nil {
		t.Fatal(err)
	}
	if r.Signature, err = devicetest.New(t, r.KeyType, "a").Sign(r.Envelope, message); err != nil {
		t.Fatal(err)
	}
	possession, err := r.DelegateMessage()
	if err != nil {
		t.Fatal(err)
	}
	if r.Delegation.Signature, err = secretOf(t, "a").Sign(possession); err != nil {
		t.Fatal(err)
	}
	return r
}

// writeForms are requests of which the form is wrong.
func (w *deviceVectors) writeForms(with, without *DeviceRequest) {
	replace := func(name, expect string, r *DeviceRequest, old, new string) {
		text := bytes.Replace(deviceText(r), []byte(old), []byte(new), 1)
		w.addText(name, expect, "", string(text), now, registry)
	}
	replace("a delegation that has no end", "malformed", with, "until: 1767312000", "until: 0")
	replace("an end with a leading zero", "malformed", with, "until: 1767312000", "until: 01767312000")
	replace("an end after the year 9999", "malformed", with, "until: 1767312000", "until: 253402300800")
	replace("an end without a delegate", "malformed", without, "until: 0", "until: 1767312000")
	replace("a delegate's signature without a delegate", "malformed", without, "delegate-signature: none", "delegate-signature: "+hex.EncodeToString(with.Delegation.Signature[:]))
	replace("upper-case digits", "malformed", with, hex.EncodeToString(with.Signature[:]), string(bytes.ToUpper([]byte(hex.EncodeToString(with.Signature[:])))))
	uncompressed := "04" + hex.EncodeToString(with.PublicKey[1:]) + hex.EncodeToString(with.PublicKey[1:])
	replace("an uncompressed key", "malformed", with, hex.EncodeToString(with.PublicKey), uncompressed)
	replace("an unknown envelope", "unsupported", with, "envelope: raw", "envelope: pgp")
	replace("an unknown key type", "unsupported", with, "type: p256", "type: rsa")
	replace("a key that delegates nothing", "unsupported", with, "type: p256", "type: babyjubjub")
}

// writeECDSA changes what the device's key and signature are about.
func (w *deviceVectors) writeECDSA(good *DeviceRequest) {
	device := devicetest.New(w.t, zkkex.KeyP256, "a")
	other := devicetest.New(w.t, zkkex.KeyP256, "b")
	hash := secretOf(w.t, "b").Public().NullifierKeyHash()
	add := func(name, expect, cause string, change func(*DeviceRequest)) {
		w.add(name, expect, cause, changed(good, change), now, registry)
	}
	signature := func(name, cause string, change func(*DeviceRequest)) { add(name, string(BadSignature), cause, change) }
	signature("a bit of the nonce flipped", "signature", func(r *DeviceRequest) { r.Challenge.Nonce[31] ^= 1 })
	signature("expiry a second later", "signature", func(r *DeviceRequest) { r.Challenge.Expiry++ })
	signature("the end of the delegation a second later", "signature", func(r *DeviceRequest) { r.Delegation.Until++ })
	signature("another device", "signature", func(r *DeviceRequest) { r.PublicKey = other.PublicKey })
	signature("the device's key negated: the same leaf", "signature", func(r *DeviceRequest) { r.PublicKey[0] ^= 1 })
	signature("another nullifier key", "signature", func(r *DeviceRequest) { r.NullifierKeyHash = hash })
	signature("another delegate", "signature", func(r *DeviceRequest) {
		r.Delegation.Delegate = [keys.PointSize]byte(secretOf(w.t, "b").Public().Bytes())
	})
	signature("the other envelope of the key", "signature", func(r *DeviceRequest) { r.Envelope = envelope.SSHSIG })
	signature("a signature for possession alone", "signature", func(r *DeviceRequest) {
		d := r.Delegation
		r.Delegation = nil
		w.sign(device, r)
		r.Delegation = d
	})
	signature("a signature for a delegation, of possession", "signature", func(r *DeviceRequest) { r.Delegation = nil })
	signature("a signature of a proof", "signature", func(r *DeviceRequest) {
		var err error
		if r.Signature, err = device.Sign(envelope.Raw, &envelope.Message{Purpose: envelope.Certificate, Binding: zkkex.Binding{1}}); err != nil {
			w.t.Fatal(err)
		}
	})
	signature("r = 0", "scalar", func(r *DeviceRequest) { clear(r.Signature[:32]) })
	signature("s = 0", "scalar", func(r *DeviceRequest) { clear(r.Signature[32:]) })
	signature("r = the order", "scalar", func(r *DeviceRequest) { eckey.P256.Order().FillBytes(r.Signature[:32]) })
	signature("s = the order", "scalar", func(r *DeviceRequest) { eckey.P256.Order().FillBytes(r.Signature[32:]) })
	signature("s in the upper half", "high_s", func(r *DeviceRequest) {
		s := new(big.Int).SetBytes(r.Signature[32:])
		s.Sub(eckey.P256.Order(), s).FillBytes(r.Signature[32:])
	})
	add("an envelope of wallets", string(BadEnvelope), "", func(r *DeviceRequest) { r.Envelope = envelope.EIP712 })
	add("a key that begins with 4", string(BadKey), "key_encoding", func(r *DeviceRequest) { r.PublicKey[0] = 4 })
	add("x = the order of the base field", string(BadKey), "key_encoding", func(r *DeviceRequest) { eckey.P256.Field().FillBytes(r.PublicKey[1:]) })
	add("an x of no point", string(BadKey), "key_not_on_curve", func(r *DeviceRequest) { r.PublicKey = noPoint(w.t) })
	add("H(nk) = order of the field", string(BadKey), "not_canonical", func(r *DeviceRequest) { r.NullifierKeyHash = canonical.Order() })
	secp256k1 := deviceRequest(w.t, devicetest.New(w.t, zkkex.KeySecp256k1, "a"), envelope.EIP712, false)
	w.add("an envelope of agents", string(BadEnvelope), "", changed(secp256k1, func(r *DeviceRequest) { r.Envelope = envelope.SSHSIG }), now, registry)
	w.add("a wallet's signature of typed data, as a raw one", string(BadSignature), "signature", changed(secp256k1, func(r *DeviceRequest) { r.Envelope = envelope.Raw }), now, registry)
}

func (w *deviceVectors) sign(d *devicetest.Device, r *DeviceRequest) {
	message, err := r.Message()
	if err != nil {
		w.t.Fatal(err)
	}
	if r.Signature, err = d.Sign(r.Envelope, message); err != nil {
		w.t.Fatal(err)
	}
}

// noPoint returns the encoding of the least x that no point of P-256 has.
func noPoint(t *testing.T) []byte {
	t.Helper()
	b := make([]byte, eckey.KeySize)
	for b[0] = 2; b[eckey.KeySize-1] < 100; b[eckey.KeySize-1]++ {
		if _, err := eckey.P256.Parse(b); errors.Is(err, eckey.ErrNotOnCurve) {
			return b
		}
	}
	t.Fatal("every x is of a point")
	return nil
}

// writeDelegates changes what the delegate's key and signature are about.
func (w *deviceVectors) writeDelegates(good *DeviceRequest) {
	add := func(name, expect, cause string, change func(*DeviceRequest)) {
		w.add(name, expect, cause, changed(good, change), now, registry)
	}
	signature := func(name, cause string, change func(*DeviceRequest)) {
		add(name, string(BadDelegateSignature), cause, change)
	}
	signature("the delegate's signature by another key", "delegate_signature", func(r *DeviceRequest) {
		possession, err := r.DelegateMessage()
		if err != nil {
			w.t.Fatal(err)
		}
		if r.Delegation.Signature, err = secretOf(w.t, "b").Sign(possession); err != nil {
			w.t.Fatal(err)
		}
	})
	signature("the delegate's signature of a member's possession", "delegate_signature", func(r *DeviceRequest) {
		own, err := New(secretOf(w.t, "a"), r.Challenge)
		if err != nil {
			w.t.Fatal(err)
		}
		r.Delegation.Signature = own.Signature
	})
	signature("the delegate's signature for another device", "delegate_signature", func(r *DeviceRequest) {
		other := changed(r, func(r *DeviceRequest) { r.PublicKey[0] ^= 1 })
		possession, err := other.DelegateMessage()
		if err != nil {
			w.t.Fatal(err)
		}
		if r.Delegation.Signature, err = secretOf(w.t, "a").Sign(possession); err != nil {
			w.t.Fatal(err)
		}
	})
	signature("a bit of the delegate's s flipped", "delegate_signature", func(r *DeviceRequest) { r.Delegation.Signature[63] ^= 1 })
	signature("the delegate's s plus the order", "delegate_scalar", func(r *DeviceRequest) { addOrder(&r.Delegation.Signature) })
	for _, p := range badPoints(w.t) {
		add("delegate: "+p.name, string(BadDelegate), p.cause, func(r *DeviceRequest) { r.Delegation.Delegate = p.point })
		signature("the delegate's R: "+p.name, p.cause, func(r *DeviceRequest) { copy(r.Delegation.Signature[:], p.point[:]) })
	}
}

// addOrder adds the order of Baby Jubjub's subgroup to s.
func addOrder(sig *[64]byte) {
	order, _ := new(big.Int).SetString("2736030358979909402780800718157159386076813972158567259200215660948447373041", 10)
	order.Add(order, new(big.Int).SetBytes(sig[32:])).FillBytes(sig[32:])
}

func (w *deviceVectors) writeEdDSA() {
	group := devicetest.New(w.t, zkkex.KeyEdDSA, "a")
	good := deviceRequest(w.t, group, envelope.EdDSA, true)
	add := func(name, expect, cause string, change func(*DeviceRequest)) {
		w.add(name, expect, cause, changed(good, change), now, registry)
	}
	add("eddsa: another nonce", string(BadSignature), "signature", func(r *DeviceRequest) { r.Challenge.Nonce[0] ^= 1 })
	add("eddsa: s plus the order", string(BadSignature), "eddsa_signature_scalar", func(r *DeviceRequest) { addOrder(&r.Signature) })
	add("eddsa: a group that delegates to its own key", string(BadDelegate), "", func(r *DeviceRequest) {
		r.Delegation.Delegate = [keys.PointSize]byte(group.PublicKey)
	})
	add("eddsa: a group that delegates to its own key, negated", string(BadDelegate), "", func(r *DeviceRequest) {
		r.Delegation.Delegate = [keys.PointSize]byte(group.PublicKey)
		r.Delegation.Delegate[31] ^= 0x80
	})
	for _, p := range badPoints(w.t) {
		add("eddsa: key: "+p.name, string(BadKey), p.cause, func(r *DeviceRequest) { r.PublicKey = p.point[:] })
	}
}
