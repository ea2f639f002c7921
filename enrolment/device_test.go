package enrolment

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/devicetest"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/keys/envelope"
)

const day = 24 * time.Hour

// deviceTypes are the key types of devices, each with every envelope.
func deviceKinds() (list []struct {
	keyType zkkex.KeyType
	kind    envelope.Kind
}) {
	for _, t := range zkkex.KeyTypes() {
		for _, k := range envelope.Kinds() {
			if k.Fits(t) {
				list = append(list, struct {
					keyType zkkex.KeyType
					kind    envelope.Kind
				}{t, k})
			}
		}
	}
	return list
}

func signerOf(d *devicetest.Device, k envelope.Kind) DeviceSigner {
	return DeviceSigner{KeyType: d.KeyType, Envelope: k, Sign: d.Signer(k)}
}

// deviceRequest makes a request of a device, whose nullifier key is that of member
// "a", and which delegates to member "a"'s identity key for a day, or nothing.
func deviceRequest(t testing.TB, d *devicetest.Device, k envelope.Kind, delegates bool) *DeviceRequest {
	t.Helper()
	owner := secretOf(t, "a")
	var delegate *keys.Secret
	if delegates {
		delegate = owner
	}
	c := issue(t, NewChallenger(registry, macKey), time.Hour)
	r, err := NewDeviceRequest(t.Context(), signerOf(d, k), owner.Public().NullifierKeyHash(), delegate, now.Add(day), c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func deviceText(r *DeviceRequest) []byte {
	text, _ := r.MarshalText()
	return text
}

func TestDeviceRequests(t *testing.T) {
	for _, test := range deviceKinds() {
		for _, delegates := range []bool{false, true} {
			t.Run(fmt.Sprint(test.keyType, test.kind, delegates), func(t *testing.T) {
				d := devicetest.New(t, test.keyType, "a")
				text := deviceText(deviceRequest(t, d, test.kind, delegates))
				if len(text) > MaxRequestText/6*5 {
					t.Errorf("%d bytes, too near the bound", len(text))
				}
				parsed, err := Parse(text)
				if err != nil {
					t.Fatal(err)
				}
				r := parsed.(*DeviceRequest)
				if !bytes.Equal(deviceText(r), text) {
					t.Fatalf("read %s, wrote %s", text, deviceText(r))
				}
				public, err := keys.ParsePublic(test.keyType, d.PublicKey, secretOf(t, "a").Public().NullifierKeyHash())
				if err != nil {
					t.Fatal(err)
				}
				leaf, err := r.Verify(registry, now)
				if err != nil || leaf != public.Commitment() {
					t.Fatalf("%v, %v; want %v", leaf, err, public.Commitment())
				}
				if err := r.CheckDelegation(now, day); err != nil {
					t.Error(err)
				}
				delegate, err := r.Delegate()
				if err != nil || (delegate != nil) != delegates {
					t.Fatalf("delegate %v, %v", delegate, err)
				}
				if delegates && delegate.Commitment() != secretOf(t, "a").Commitment() {
					t.Errorf("the delegate's leaf is %v, want that of member a", delegate.Commitment())
				}
			})
		}
	}
}

// The bytes that the delegate signs, spelled out.
func TestDelegateMessage(t *testing.T) {
	d := devicetest.New(t, zkkex.KeyP256, "a")
	r := deviceRequest(t, d, envelope.Raw, true)
	leaf := secretOf(t, "a").Commitment()
	var want []byte
	for _, field := range [][]byte{
		[]byte("zkkex/v1 delegate possession"), registry[:], append([]byte{0, 2}, d.PublicKey...), leaf[:], r.Challenge.Nonce[:],
		binary.BigEndian.AppendUint64(nil, uint64(r.Challenge.Expiry)),
	} {
		want = append(binary.BigEndian.AppendUint32(want, uint32(len(field))), field...)
	}
	got, err := r.DelegateMessage()
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%x, %v; want %x", got, err, want)
	}
}

// Whoever changes any bit of a request changes what was signed.
func TestEveryBitOfADeviceRequestIsSigned(t *testing.T) {
	text := deviceText(deviceRequest(t, devicetest.New(t, zkkex.KeyP256, "a"), envelope.Raw, true))
	refused := map[zkkex.Reason]int{}
	for i := range text {
		changed := bytes.Clone(text)
		changed[i] ^= 1
		r, err := ParseDeviceRequest(changed)
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) && !errors.Is(err, zkkex.ErrUnsupported) {
				t.Errorf("byte %d: an error of no class: %v", i, err)
			}
			continue
		}
		leaf, err := r.Verify(registry, now)
		if reasonOf(err) == "" || leaf != (zkkex.Commitment{}) {
			t.Errorf("byte %d changed: %v, %v; want a rejection", i, leaf, err)
		}
		refused[reasonOf(err)]++
	}
	for _, reason := range []zkkex.Reason{zkkex.WrongRegistry, BadKey, BadDelegate, BadSignature, BadDelegateSignature, Expired} {
		if refused[reason] == 0 {
			t.Errorf("no change was refused for %s", reason)
		}
	}
}

// A signature for one purpose is none for another: neither a possession's for a
// delegation, nor the other way round, nor a proof's for either.
func TestPurposesAreKeptApart(t *testing.T) {
	for _, test := range deviceKinds() {
		d := devicetest.New(t, test.keyType, "a")
		entering := deviceRequest(t, d, test.kind, false)
		delegating := deviceRequest(t, d, test.kind, true)
		delegating.Challenge = entering.Challenge // one challenge, so that only the purpose differs
		delegate := secretOf(t, "a")
		message, err := delegating.Message()
		if err != nil {
			t.Fatal(err)
		}
		if delegating.Signature, err = d.Sign(test.kind, message); err != nil {
			t.Fatal(err)
		}
		possession, err := delegating.DelegateMessage()
		if err != nil {
			t.Fatal(err)
		}
		if delegating.Delegation.Signature, err = delegate.Sign(possession); err != nil {
			t.Fatal(err)
		}
		for _, r := range []*DeviceRequest{entering, delegating} {
			if _, err := r.Verify(registry, now); err != nil {
				t.Fatal(err)
			}
		}
		certificate, err := d.Sign(test.kind, &envelope.Message{Purpose: envelope.Certificate, Binding: zkkex.Binding(entering.Challenge.Nonce)})
		if err != nil {
			t.Fatal(err)
		}
		for name, change := range map[string]struct {
			request   *DeviceRequest
			signature [envelope.SignatureSize]byte
		}{
			"possession's for a delegation":  {delegating, entering.Signature},
			"delegation's for possession":    {entering, delegating.Signature},
			"certificate's for a delegation": {delegating, certificate},
			"certificate's for possession":   {entering, certificate},
		} {
			r := *change.request
			r.Signature = change.signature
			if _, err := r.Verify(registry, now); reasonOf(err) != BadSignature {
				t.Errorf("%v, %v, a %s: %v; want %s", test.keyType, test.kind, name, err, BadSignature)
			}
		}
		// Nor is a member's own proof of possession a delegate's.
		r := *delegating
		delegation := *r.Delegation
		own, err := New(delegate, entering.Challenge)
		if err != nil {
			t.Fatal(err)
		}
		delegation.Signature = own.Signature
		r.Delegation = &delegation
		if _, err := r.Verify(registry, now); reasonOf(err) != BadDelegateSignature {
			t.Errorf("a member's proof of possession for a delegate's: %v; want %s", err, BadDelegateSignature)
		}
		own.Signature = delegating.Delegation.Signature
		if _, err := own.Verify(registry, now); reasonOf(err) != BadSignature {
			t.Errorf("a delegate's proof of possession for a member's: %v; want %s", err, BadSignature)
		}
	}
}

func TestCheckUntil(t *testing.T) {
	for _, test := range []struct {
		until int64
		limit time.Duration
		want  zkkex.Reason
	}{
		{now.Unix() + 1, time.Hour, ""},
		{now.Unix(), time.Hour, DelegationEnded},
		{1, time.Hour, DelegationEnded},
		{now.Add(time.Hour + ClockSkew).Unix(), time.Hour, ""},
		{now.Add(time.Hour+ClockSkew).Unix() + 1, time.Hour, DelegationTooLong},
		{now.Add(MaxDelegation + ClockSkew).Unix(), 100 * MaxDelegation, ""},
		{now.Add(MaxDelegation+ClockSkew).Unix() + 1, 100 * MaxDelegation, DelegationTooLong},
		{latestUntil, time.Hour, DelegationTooLong},
		{1<<63 - 1, time.Hour, DelegationTooLong},
	} {
		err := CheckUntil(test.until, now, test.limit)
		if reasonOf(err) != test.want || (err == nil) != (test.want == "") {
			t.Errorf("until %d within %v: %v; want %q", test.until, test.limit, err, test.want)
		}
	}
	if err := CheckUntil(now.Add(2*time.Hour).Unix(), now, time.Hour); !strings.Contains(err.Error(), "1h0m0s") {
		t.Errorf("%v does not name the limit", err)
	}
}

func TestNewDeviceRequestRefuses(t *testing.T) {
	owner, other := secretOf(t, "a"), secretOf(t, "b")
	hash := owner.Public().NullifierKeyHash()
	device := devicetest.New(t, zkkex.KeyP256, "a")
	c := issue(t, NewChallenger(registry, macKey), time.Hour)
	good := signerOf(device, envelope.Raw)
	lying := good
	lying.Sign = func(ctx context.Context, m *envelope.Message) ([]byte, [envelope.SignatureSize]byte, error) {
		another := *m
		another.Nonce[0] ^= 1
		return good.Sign(ctx, &another)
	}
	refuses := errors.New("the user said no")
	refusing := good
	refusing.Sign = func(context.Context, *envelope.Message) (key []byte, sig [envelope.SignatureSize]byte, err error) {
		return nil, sig, refuses
	}
	for name, test := range map[string]struct {
		device   DeviceSigner
		delegate *keys.Secret
		until    time.Time
		c        Challenge
		want     func(error) bool
	}{
		"a device that signs something else": {lying, nil, now, c, func(err error) bool { return reasonOf(err) == BadSignature }},
		"a device that refuses":              {refusing, nil, now, c, func(err error) bool { return errors.Is(err, refuses) }},
		"another nullifier key":              {good, other, now.Add(day), c, func(err error) bool { return strings.Contains(err.Error(), "slots") }},
		"no end":                             {good, owner, time.Unix(0, 0), c, func(err error) bool { return errors.Is(err, zkkex.ErrMalformed) }},
		"an end beyond all":                  {good, owner, time.Unix(1<<62, 0), c, func(err error) bool { return errors.Is(err, zkkex.ErrMalformed) }},
		"a negative expiry":                  {good, owner, now.Add(day), Challenge{Expiry: -1}, func(err error) bool { return errors.Is(err, zkkex.ErrMalformed) }},
		"a key that is no device's":          {DeviceSigner{KeyType: zkkex.KeyBabyJubjub, Envelope: envelope.EdDSA, Sign: good.Sign}, nil, now, c, func(err error) bool { return errors.Is(err, zkkex.ErrUnsupported) }},
	} {
		r, err := NewDeviceRequest(t.Context(), test.device, hash, test.delegate, test.until, test.c)
		if r != nil || err == nil || !test.want(err) {
			t.Errorf("%s: %v, %v", name, r, err)
		}
	}
}

func TestDeviceRequestText(t *testing.T) {
	device := devicetest.New(t, zkkex.KeyP256, "a")
	with := string(deviceText(deviceRequest(t, device, envelope.Raw, true)))
	without := string(deviceText(deviceRequest(t, device, envelope.Raw, false)))
	line := func(text, name string) string {
		at := strings.Index(text, "\n"+name+": ") + 1
		return text[at : at+strings.IndexByte(text[at:], '\n')+1]
	}
	replaced := func(text, name, value string) string {
		return strings.Replace(text, line(text, name), name+": "+value+"\n", 1)
	}
	for name, changed := range map[string]string{
		"empty":                              "",
		"version":                            strings.Replace(with, "v1", "v2", 1),
		"a request of the other kind":        strings.Replace(with, DeviceRequestMagic, RequestMagic, 1),
		"something after":                    with + "\n",
		"cut":                                with[:len(with)-1],
		"CRLF":                               strings.ReplaceAll(with, "\n", "\r\n"),
		"line twice":                         with + line(with, lineDelegateSignature),
		"line missing":                       strings.Replace(with, line(with, lineUntil), "", 1),
		"other order":                        strings.Replace(with, line(with, lineDelegate)+line(with, lineUntil), line(with, lineUntil)+line(with, lineDelegate), 1),
		"upper case":                         strings.ToUpper(with),
		"too long":                           with + strings.Repeat("\n", MaxRequestText),
		"key of 32 bytes":                    replaced(with, linePublicKey, strings.Repeat("02", 32)),
		"key uncompressed":                   replaced(with, linePublicKey, strings.Repeat("04", 65)),
		"no key":                             replaced(with, linePublicKey, ""),
		"no delegate, but an end":            replaced(without, lineUntil, "1"),
		"no delegate, but its signature":     replaced(without, lineDelegateSignature, strings.Repeat("00", 64)),
		"a delegate without its signature":   replaced(with, lineDelegateSignature, "none"),
		"a delegate without an end":          replaced(with, lineUntil, "0"),
		"an end before 1970":                 replaced(with, lineUntil, "-1"),
		"an end with a zero before":          replaced(with, lineUntil, "01767312000"),
		"an end with a plus":                 replaced(with, lineUntil, "+1767312000"),
		"an end after the year 9999":         replaced(with, lineUntil, "253402300800"),
		"an end that does not fit":           replaced(with, lineUntil, "9223372036854775808"),
		"an end in hexadecimal":              replaced(with, lineUntil, "0x10"),
		"no end":                             replaced(with, lineUntil, "none"),
		"signature none":                     replaced(with, lineSignature, "none"),
		"delegate short":                     replaced(with, lineDelegate, "00"),
		"delegate empty":                     replaced(with, lineDelegate, ""),
		"delegate None":                      replaced(without, lineDelegate, "None"),
		"without a delegate, an end of \"\"": replaced(without, lineUntil, ""),
	} {
		if changed == with || changed == without {
			t.Fatalf("%s changes nothing", name)
		}
		if _, err := ParseDeviceRequest([]byte(changed)); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%s: %v; want ErrMalformed", name, err)
		}
	}
	for name, changed := range map[string]string{
		"a key of ours":       replaced(with, lineType, "babyjubjub"),
		"an unknown key type": replaced(with, lineType, "rsa"),
		"an unknown envelope": replaced(with, lineEnvelope, "pgp"),
	} {
		if _, err := ParseDeviceRequest([]byte(changed)); !errors.Is(err, zkkex.ErrUnsupported) {
			t.Errorf("%s: %v; want ErrUnsupported", name, err)
		}
	}
	own := string(textOf(requestOf(t, secretOf(t, "a"), issue(t, NewChallenger(registry, macKey), time.Hour))))
	if _, err := ParseRequest([]byte(replaced(own, lineType, "eddsa"))); !errors.Is(err, zkkex.ErrUnsupported) {
		t.Errorf("a device's key in an enrolment request: %v; want ErrUnsupported", err)
	}
	if _, err := Parse([]byte("zkkex/v1 other request\n")); !errors.Is(err, zkkex.ErrMalformed) {
		t.Errorf("a request of no kind: %v; want ErrMalformed", err)
	}
}

// All but what a delegate can make anew by itself.
func TestDeviceDigestIsOfWhatTheDeviceSaid(t *testing.T) {
	r := deviceRequest(t, devicetest.New(t, zkkex.KeySecp256k1, "a"), envelope.EIP712, true)
	before := r.Digest()
	for name, change := range map[string]func(){
		"type":      func() { r.KeyType ^= 1 },
		"key":       func() { r.PublicKey[1] ^= 1 },
		"envelope":  func() { r.Envelope ^= 1 },
		"H(nk)":     func() { r.NullifierKeyHash[0] ^= 1 },
		"delegate":  func() { r.Delegation.Delegate[0] ^= 1 },
		"until":     func() { r.Delegation.Until ^= 1 },
		"registry":  func() { r.Challenge.Registry[0] ^= 1 },
		"nonce":     func() { r.Challenge.Nonce[0] ^= 1 },
		"expiry":    func() { r.Challenge.Expiry ^= 1 },
		"signature": func() { r.Signature[0] ^= 1 },
	} {
		change()
		if r.Digest() == before {
			t.Errorf("%s changed, and the digest did not", name)
		}
		change()
	}
	for name, change := range map[string]func(){
		"delegate-signature": func() { r.Delegation.Signature[0] ^= 1 },
		"delegate's sign":    func() { r.Delegation.Delegate[keys.PointSize-1] ^= 0x80 },
	} {
		text := deviceText(r)
		change()
		if r.Digest() != before || bytes.Equal(deviceText(r), text) {
			t.Errorf("%s changed, and the digest did, too", name)
		}
		change()
	}
}

func FuzzParseDeviceRequest(f *testing.F) {
	blocks, _ := samples(f, "../docs/spec/enrolment.md")
	f.Add([]byte(blocks[2]))
	for _, kt := range []zkkex.KeyType{zkkex.KeyP256, zkkex.KeySecp256k1, zkkex.KeyEdDSA} {
		d := devicetest.New(f, kt, "a")
		f.Add(deviceText(deviceRequest(f, d, d.Envelope(), kt == zkkex.KeyEdDSA)))
	}
	f.Add([]byte(DeviceRequestMagic + "\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := Parse(text)
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) && !errors.Is(err, zkkex.ErrUnsupported) {
				t.Fatalf("an error of no class: %v", err)
			}
			return
		}
		if again, _ := r.MarshalText(); !bytes.Equal(again, text) {
			t.Fatalf("read %q, wrote %q", text, again)
		}
		if d, ok := r.(*DeviceRequest); ok {
			d.CheckDelegation(now, MaxDelegation)
		}
		r.Verify(registry, now) // must not panic
	})
}
