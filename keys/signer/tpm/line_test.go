package tpm

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"math/big"
	"net"
	"testing"

	"github.com/google/go-tpm/tpm2"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/keys/signer"
)

// answers is a TPM that gives the same answer to everything, or one after the other.
type answers struct {
	list [][]byte
	sent int
	err  error
}

func (a *answers) Send([]byte) ([]byte, error) {
	if a.err != nil {
		return nil, a.err
	}
	a.sent++
	return bytes.Clone(a.list[min(a.sent, len(a.list))-1]), nil
}

func (a *answers) Close() error { return nil }

func (a *answers) dial(context.Context, string) (line, error) { return a, nil }

func code(rc tpm2.TPMRC) []byte {
	b := binary.BigEndian.AppendUint16(nil, uint16(tpm2.TPMSTNoSessions))
	b = binary.BigEndian.AppendUint32(b, headerSize)
	return binary.BigEndian.AppendUint32(b, uint32(rc))
}

func openAnswers(t *testing.T, a *answers) (signer.Signer, error) {
	t.Helper()
	return openKey(t.Context(), "0x81000001?auth=none", &signer.Options{}, a.dial)
}

func TestBrokenAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		answer []byte
		want   error
	}{
		"none":           {nil, zkkex.ErrMalformed},
		"a cut header":   {code(0)[:9], zkkex.ErrMalformed},
		"nothing inside": {code(0), zkkex.ErrMalformed},
		"garbage":        {append(code(0), 0xff, 0xff, 1, 2, 3), zkkex.ErrMalformed},
		"a failed TPM":   {code(tpm2.TPMRCFailure), tpm2.TPMRCFailure},
		"no memory":      {code(tpm2.TPMRCObjectMemory), tpm2.TPMRCObjectMemory},
	} {
		if _, err := openAnswers(t, &answers{list: [][]byte{c.answer}}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := openAnswers(t, &answers{err: io.ErrUnexpectedEOF}); !errors.Is(err, signer.ErrNoDevice) || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("no answer: %v, want ErrNoDevice", err)
	}
}

// A TPM that never begins is not asked for ever.
func TestBusy(t *testing.T) {
	a := &answers{list: [][]byte{code(tpm2.TPMRCRetry)}}
	if _, err := openAnswers(t, a); !errors.Is(err, tpm2.TPMRCRetry) || a.sent != maxSends {
		t.Errorf("%v after %d commands, want TPM_RC_RETRY after %d", err, a.sent, maxSends)
	}
}

// area writes a response to TPM2_ReadPublic.
func area(t testing.TB, change func(*tpm2.TPMTPublic), name func([]byte) []byte) []byte {
	t.Helper()
	p := template()
	point := new(big.Int)
	point.SetString("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296", 16) // the generator
	y, err := hex.DecodeString("4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5")
	if err != nil {
		t.Fatal(err)
	}
	p.Unique = tpm2.NewTPMUPublicID(tpm2.TPMAlgECC, &tpm2.TPMSECCPoint{X: tpm2.TPM2BECCParameter{Buffer: point.Bytes()}, Y: tpm2.TPM2BECCParameter{Buffer: y}})
	change(&p)
	of, err := tpm2.ObjectName(&p)
	if err != nil {
		t.Fatal(err)
	}
	body := tpm2.Marshal(tpm2.New2B(p))
	body = append(body, tpm2.Marshal(tpm2.TPM2BName{Buffer: name(of.Buffer)})...)
	body = append(body, tpm2.Marshal(tpm2.TPM2BName{Buffer: of.Buffer})...)
	response := binary.BigEndian.AppendUint16(nil, uint16(tpm2.TPMSTNoSessions))
	response = binary.BigEndian.AppendUint32(response, uint32(headerSize+len(body)))
	return append(binary.BigEndian.AppendUint32(response, 0), body...)
}

func same(b []byte) []byte { return b }

func unguarded(p *tpm2.TPMTPublic) { p.ObjectAttributes.NoDA = true }

func setPoint(x, y []byte) func(*tpm2.TPMTPublic) {
	return func(p *tpm2.TPMTPublic) {
		unguarded(p)
		p.Unique = tpm2.NewTPMUPublicID(tpm2.TPMAlgECC, &tpm2.TPMSECCPoint{X: tpm2.TPM2BECCParameter{Buffer: x}, Y: tpm2.TPM2BECCParameter{Buffer: y}})
	}
}

func TestPublicAreas(t *testing.T) {
	if _, err := openAnswers(t, &answers{list: [][]byte{area(t, unguarded, same)}}); err != nil {
		t.Errorf("a good one: %v", err)
	}
	// A point whose x begins with a zero byte, which some TPMs leave out: 1 is no x, 5 is.
	key, err := hex.DecodeString("459243b9aa581806fe913bce99817ade11ca503c64d9a3c533415c083248fbcc")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openAnswers(t, &answers{list: [][]byte{area(t, setPoint([]byte{5}, key), same)}}); err != nil {
		t.Errorf("a short x: %v", err)
	}
	for name, answer := range map[string][]byte{
		"another name":  area(t, unguarded, func(b []byte) []byte { b = bytes.Clone(b); b[9] ^= 1; return b }),
		"no name":       area(t, unguarded, func([]byte) []byte { return nil }),
		"off the curve": area(t, setPoint([]byte{1}, []byte{1}), same),
		"infinity":      area(t, setPoint(nil, nil), same),
		"33 bytes":      area(t, setPoint(make([]byte, 33), key), same),
		"x too large":   area(t, setPoint(bytes.Repeat([]byte{0xff}, 32), key), same),
	} {
		if _, err := openAnswers(t, &answers{list: [][]byte{answer}}); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", name, err)
		}
	}
}

// Whatever a TPM answers to everything, there is a key, or an error, and no signature.
func FuzzAnswers(f *testing.F) {
	f.Add(area(f, unguarded, same), code(tpm2.TPMRCAuthFail))
	f.Add(area(f, func(*tpm2.TPMTPublic) {}, same), code(0))
	f.Add(code(tpm2.TPMRCHandle), append(code(0), 0, 0, 0, 0, 1, 0, 0, 0, 0))
	f.Add(code(tpm2.TPMRCRetry), []byte{})
	f.Fuzz(func(t *testing.T, one, two []byte) {
		s, err := openKey(t.Context(), "0x81000001?auth=none", &signer.Options{}, (&answers{list: [][]byte{one, two}}).dial)
		if err != nil {
			return
		}
		k := s.(*key)
		k.dial = (&answers{list: [][]byte{one, two}}).dial
		if sig, err := s.Sign(t.Context(), message(1)); err == nil || sig != nil {
			t.Errorf("a signature of nobody's: %x", sig.Bytes)
		}
	})
}

// serve gives one connection to use, as a TPM on a socket.
func serve(t *testing.T, use func(net.Conn)) (device string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		if _, err := conn.Read(make([]byte, 64)); err == nil {
			use(conn)
		}
	}()
	return "tcp:" + l.Addr().String()
}

func TestSockets(t *testing.T) {
	for name, c := range map[string]struct {
		answer []byte
		want   error
	}{
		"hangs up":             {nil, signer.ErrNoDevice},
		"cut":                  {code(0)[:6], signer.ErrNoDevice},
		"too large":            {[]byte{0x80, 1, 0, 0, 0x10, 1, 0, 0, 0, 0}, zkkex.ErrMalformed},
		"too small":            {[]byte{0x80, 1, 0, 0, 0, 9, 0, 0, 0, 0}, zkkex.ErrMalformed},
		"shorter than it says": {[]byte{0x80, 1, 0, 0, 0x10, 0, 0, 0, 0, 0}, signer.ErrNoDevice},
	} {
		device := serve(t, func(conn net.Conn) { _, _ = conn.Write(c.answer) })
		if _, err := signer.Open(t.Context(), "tpm:0x81000001?auth=none&device="+device, signer.Options{}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestNeverAnswers(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	device := serve(t, func(conn net.Conn) {
		cancel()
		_, _ = io.Copy(io.Discard, conn) // until the caller leaves
	})
	if _, err := signer.Open(ctx, "tpm:0x81000001?auth=none&device="+device, signer.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
}
