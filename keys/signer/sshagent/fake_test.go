package sshagent

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/keys/signer"
)

// armoured writes a signature in OpenSSH's format (PROTOCOL.sshsig).
func armoured(t *testing.T, public []byte, namespace string, sig [64]byte) []byte {
	t.Helper()
	key, _, _, _, err := ssh.ParseAuthorizedKey(public)
	if err != nil {
		t.Fatal(err)
	}
	blob := ssh.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])})
	body := append([]byte("SSHSIG"), ssh.Marshal(struct {
		Version                   uint32
		Key                       []byte
		Namespace, Reserved, Hash string
		Signature                 []byte
	}{1, key.Marshal(), namespace, "", "sha512", ssh.Marshal(&ssh.Signature{Format: ssh.KeyAlgoECDSA256, Blob: blob})})...)
	return pem.EncodeToMemory(&pem.Block{Type: "SSH SIGNATURE", Bytes: body})
}

// broken is an agent that answers each request with what answer returns; nil ends the
// connection.
func broken(t *testing.T, answer func(request []byte) []byte) {
	t.Helper()
	socket := filepath.Join(shortDir(t), "agent")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	t.Setenv(socketVariable, socket)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for {
					var size [4]byte
					if _, err := io.ReadFull(conn, size[:]); err != nil {
						return
					}
					request := make([]byte, binary.BigEndian.Uint32(size[:]))
					if _, err := io.ReadFull(conn, request); err != nil {
						return
					}
					reply := answer(request)
					if reply == nil {
						return
					}
					if _, err := conn.Write(reply); err != nil {
						return
					}
				}
			}()
		}
	}()
}

func framed(body ...byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

// Messages of the protocol (draft-miller-ssh-agent, section 6.1).
const (
	failure         = 5
	requestKeys     = 11
	keysAnswer      = 12
	requestSign     = 13
	signatureAnswer = 14
)

func listAnswer(blobs ...[]byte) []byte {
	body := binary.BigEndian.AppendUint32([]byte{keysAnswer}, uint32(len(blobs)))
	for _, b := range blobs {
		body = append(body, ssh.Marshal(struct {
			Blob    []byte
			Comment string
		}{b, "me"})...)
	}
	return framed(body...)
}

func signAnswer(format string, blob []byte, rest ...byte) []byte {
	inner := append(ssh.Marshal(struct {
		Format string
		Blob   []byte
	}{format, blob}), rest...)
	return framed(append([]byte{signatureAnswer}, ssh.Marshal(struct{ B []byte }{inner})...)...)
}

func newKey(t *testing.T) (*ecdsa.PrivateKey, []byte) {
	t.Helper()
	sk, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := ssh.NewPublicKey(&sk.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return sk, public.Marshal()
}

// point returns the blob of a key with these bytes as its point.
func point(format, curve string, b []byte) []byte {
	return ssh.Marshal(struct {
		Format, Curve string
		Point         []byte
	}{format, curve, b})
}

func TestBrokenLists(t *testing.T) {
	_, good := newKey(t)
	sk := point(ssh.KeyAlgoSKECDSA256, "nistp256", append([]byte{4}, make([]byte, 64)...))
	for name, c := range map[string]struct {
		answer []byte
		want   error
	}{
		"nothing":            {nil, signer.ErrNoDevice},
		"an empty packet":    {framed(), zkkex.ErrMalformed},
		"another message":    {framed(6), zkkex.ErrMalformed},
		"an unknown one":     {framed(99), zkkex.ErrMalformed},
		"failure":            {framed(failure), signer.ErrRefused},
		"a huge packet":      {[]byte{0xff, 0xff, 0xff, 0xff, keysAnswer}, zkkex.ErrMalformed},
		"millions of keys":   {framed(keysAnswer, 0x00, 0x1f, 0xff, 0xff), zkkex.ErrMalformed},
		"too many keys":      {framed(keysAnswer, 0xff, 0xff, 0xff, 0xff), zkkex.ErrMalformed},
		"no keys":            {listAnswer(), signer.ErrNoKey},
		"no blob":            {listAnswer([]byte{}), zkkex.ErrMalformed},
		"garbage":            {listAnswer([]byte("garbage")), zkkex.ErrMalformed},
		"a bad point":        {listAnswer(point(ssh.KeyAlgoECDSA256, "nistp256", append([]byte{4}, make([]byte, 64)...))), zkkex.ErrMalformed},
		"infinity":           {listAnswer(point(ssh.KeyAlgoECDSA256, "nistp256", []byte{0})), zkkex.ErrMalformed},
		"a compressed one":   {listAnswer(point(ssh.KeyAlgoECDSA256, "nistp256", append([]byte{2}, make([]byte, 32)...))), zkkex.ErrMalformed},
		"another curve":      {listAnswer(point(ssh.KeyAlgoECDSA256, "nistp384", good[len(good)-65:])), zkkex.ErrMalformed},
		"trailing bytes":     {listAnswer(append(bytes.Clone(good), 0)), zkkex.ErrMalformed},
		"a FIDO token's":     {listAnswer(sk), signer.ErrUnsupportedKey},
		"a certificate":      {listAnswer(point(ssh.CertAlgoECDSA256v01, "", nil)), signer.ErrUnsupportedKey},
		"RSA":                {listAnswer(point(ssh.KeyAlgoRSA, "", nil)), signer.ErrUnsupportedKey},
		"the same one twice": {listAnswer(good, good), signer.ErrAmbiguous},
	} {
		t.Run(name, func(t *testing.T) {
			broken(t, func([]byte) []byte { return c.answer })
			if _, err := signer.Open(t.Context(), "ssh-agent:me", signer.Options{}); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

// An agent that stops in the middle of an answer: the caller's patience ends it.
func TestAgentStops(t *testing.T) {
	_, blob := newKey(t)
	socket := filepath.Join(shortDir(t), "agent")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	t.Setenv(socketVariable, socket)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		if _, err := conn.Read(make([]byte, 16)); err != nil {
			return
		}
		if _, err := conn.Write(listAnswer(blob)[:20]); err != nil {
			return
		}
		cancel()
		_, _ = io.Copy(io.Discard, conn) // until the caller leaves
	}()
	if _, err := signer.Open(ctx, "ssh-agent:me", signer.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
}

func TestBrokenSignatures(t *testing.T) {
	key, blob := newKey(t)
	other, _ := newKey(t)
	mpints := func(r, s *big.Int) []byte { return ssh.Marshal(struct{ R, S *big.Int }{r, s}) }
	one := big.NewInt(1)
	n := elliptic.P256().Params().N
	sign := func(sk *ecdsa.PrivateKey, request []byte) (r, s *big.Int) {
		var asked struct {
			Blob, Data []byte
			Flags      uint32
		}
		if err := ssh.Unmarshal(request[1:], &asked); err != nil {
			panic(err)
		}
		signed, err := ssh.NewSignerFromKey(sk)
		if err != nil {
			panic(err)
		}
		sig, err := signed.Sign(rand.Reader, asked.Data)
		if err != nil {
			panic(err)
		}
		var both struct{ R, S *big.Int }
		if err := ssh.Unmarshal(sig.Blob, &both); err != nil {
			panic(err)
		}
		return both.R, both.S
	}
	for name, c := range map[string]struct {
		answer func(request []byte) []byte
		want   error
	}{
		"a high s": {func(q []byte) []byte {
			r, s := sign(key, q)
			if s.Cmp(new(big.Int).Rsh(n, 1)) <= 0 {
				s.Sub(n, s)
			}
			return signAnswer(ssh.KeyAlgoECDSA256, mpints(r, s))
		}, nil},
		"a low s": {func(q []byte) []byte {
			r, s := sign(key, q)
			if s.Cmp(new(big.Int).Rsh(n, 1)) > 0 {
				s.Sub(n, s)
			}
			return signAnswer(ssh.KeyAlgoECDSA256, mpints(r, s))
		}, nil},
		"a padded number": {func(q []byte) []byte {
			r, s := sign(key, q)
			if s.Bit(255) != 0 {
				s.Sub(n, s) // below half of the order no zero goes before it
			}
			padded := ssh.Marshal(struct{ R, S []byte }{r.FillBytes(make([]byte, 33)), s.FillBytes(make([]byte, 33))})
			return signAnswer(ssh.KeyAlgoECDSA256, padded)
		}, signer.ErrBadSignature},
		"a good one, and more": {func(q []byte) []byte {
			r, s := sign(key, q)
			return signAnswer(ssh.KeyAlgoECDSA256, mpints(r, s), 1)
		}, signer.ErrBadSignature},
		"another key":    {func(q []byte) []byte { r, s := sign(other, q); return signAnswer(ssh.KeyAlgoECDSA256, mpints(r, s)) }, signer.ErrBadSignature},
		"r is 0":         {func([]byte) []byte { return signAnswer(ssh.KeyAlgoECDSA256, mpints(new(big.Int), one)) }, signer.ErrBadSignature},
		"s is n":         {func([]byte) []byte { return signAnswer(ssh.KeyAlgoECDSA256, mpints(one, n)) }, signer.ErrBadSignature},
		"r is negative":  {func([]byte) []byte { return signAnswer(ssh.KeyAlgoECDSA256, mpints(big.NewInt(-1), one)) }, signer.ErrBadSignature},
		"r is huge":      {func([]byte) []byte { return signAnswer(ssh.KeyAlgoECDSA256, mpints(new(big.Int).Lsh(one, 4096), one)) }, signer.ErrBadSignature},
		"a third number": {func([]byte) []byte { return signAnswer(ssh.KeyAlgoECDSA256, append(mpints(one, one), 0, 0, 0, 0)) }, signer.ErrBadSignature},
		"padded numbers": {func([]byte) []byte {
			return signAnswer(ssh.KeyAlgoECDSA256, []byte{0, 0, 0, 2, 0, 1, 0, 0, 0, 2, 0, 1})
		}, signer.ErrBadSignature},
		"no numbers":      {func([]byte) []byte { return signAnswer(ssh.KeyAlgoECDSA256, nil) }, signer.ErrBadSignature},
		"another type":    {func([]byte) []byte { return signAnswer(ssh.KeyAlgoED25519, make([]byte, 64)) }, signer.ErrBadSignature},
		"trailing bytes":  {func([]byte) []byte { return signAnswer(ssh.KeyAlgoECDSA256, mpints(one, one), 1) }, signer.ErrBadSignature},
		"no signature":    {func([]byte) []byte { return framed(signatureAnswer) }, zkkex.ErrMalformed},
		"garbage":         {func([]byte) []byte { return framed(signatureAnswer, 0, 0, 0, 1, 7) }, zkkex.ErrMalformed},
		"another message": {func([]byte) []byte { return framed(6) }, zkkex.ErrMalformed},
		"it refuses":      {func([]byte) []byte { return framed(failure) }, signer.ErrRefused},
		"it hangs up":     {func([]byte) []byte { return nil }, signer.ErrGone},
	} {
		t.Run(name, func(t *testing.T) {
			broken(t, func(request []byte) []byte {
				if request[0] == requestKeys {
					return listAnswer(blob)
				}
				if request[0] != requestSign {
					return nil
				}
				return c.answer(request)
			})
			s := mustOpen(t, "me")
			sig, err := s.Sign(t.Context(), message(1))
			if c.want == nil {
				if err != nil {
					t.Fatal(err)
				}
				if err := s.Envelope().Verify(s.KeyType(), sig.PublicKey, message(1), sig.Bytes); err != nil {
					t.Error(err)
				}
			} else if !errors.Is(err, c.want) || sig != nil {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

// The agent refuses, and is gone when it is asked what it still has.
func TestRefusesAndVanishes(t *testing.T) {
	_, blob := newKey(t)
	lists := 0
	broken(t, func(request []byte) []byte {
		if request[0] == requestSign {
			return framed(failure)
		}
		if lists++; lists > 1 {
			return nil
		}
		return listAnswer(blob)
	})
	if _, err := mustOpen(t, "me").Sign(t.Context(), message(1)); !errors.Is(err, signer.ErrGone) {
		t.Errorf("%v, want ErrGone", err)
	}
}

func TestAgentNeverAnswers(t *testing.T) {
	_, blob := newKey(t)
	asked := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	broken(t, func(request []byte) []byte {
		if request[0] == requestKeys {
			return listAnswer(blob)
		}
		close(asked)
		<-ctx.Done()
		return nil
	})
	s := mustOpen(t, "me")
	go func() { <-asked; cancel() }()
	if _, err := s.Sign(ctx, message(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
}

// The bound of our own, when the caller has none.
func TestPatienceEnds(t *testing.T) {
	broken(t, func([]byte) []byte { return nil })
	p, err := find()
	if err != nil {
		t.Fatal(err)
	}
	_, err = call(t.Context(), p, 0, listFailure, func(a agent.ExtendedAgent) ([]*agent.Key, error) { return a.List() })
	if !errors.Is(err, signer.ErrNoDevice) {
		t.Errorf("%v, want ErrNoDevice", err)
	}
}

// Whatever an agent answers, there is a signature that verifies or a typed error.
func FuzzSignature(f *testing.F) {
	f.Add(ssh.KeyAlgoECDSA256, ssh.Marshal(struct{ R, S *big.Int }{big.NewInt(1), big.NewInt(2)}))
	f.Add(ssh.KeyAlgoECDSA256, []byte{0, 0, 0, 1, 0x80, 0, 0, 0, 1, 1})
	f.Add(ssh.KeyAlgoSKECDSA256, []byte{})
	f.Fuzz(func(t *testing.T, format string, blob []byte) {
		r, s, err := scalars(&ssh.Signature{Format: format, Blob: blob})
		if err != nil {
			if !errors.Is(err, signer.ErrBadSignature) {
				t.Errorf("%v is no ErrBadSignature", err)
			}
			return
		}
		if written := ssh.Marshal(struct{ R, S *big.Int }{r, s}); string(written) != string(blob) {
			t.Errorf("%x is written as %x", blob, written)
		}
	})
}

func FuzzPublicKey(f *testing.F) {
	sk, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), append(make([]byte, 31), 7))
	if err != nil {
		f.Fatal(err)
	}
	public, err := ssh.NewPublicKey(&sk.PublicKey)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(public.Marshal())
	f.Add([]byte("garbage"))
	f.Add(point(ssh.KeyAlgoECDSA256, "nistp256", []byte{0}))
	f.Fuzz(func(t *testing.T, blob []byte) {
		p, err := publicKey(&agent.Key{Format: ssh.KeyAlgoECDSA256, Blob: blob})
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) {
				t.Errorf("%v is no ErrMalformed", err)
			}
			return
		}
		encoded := p.Uncompressed()
		if written := point(ssh.KeyAlgoECDSA256, "nistp256", encoded[:]); string(written) != string(blob) {
			t.Errorf("%x is written as %x", blob, written)
		}
	})
}

func TestCheckName(t *testing.T) {
	for _, name := range []string{"me@desk", "sha256:x", "SHA256:" + base64.RawStdEncoding.EncodeToString(make([]byte, 32))} {
		if err := checkName(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
