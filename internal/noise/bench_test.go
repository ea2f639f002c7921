package noise

import (
	"crypto/rand"
	"testing"

	flynn "github.com/flynn/noise"
)

// Both sides of a handshake, with fresh keys, and the split. Allocations and
// times of flynn/noise's IK stand beside ours; the hybrids have no peer.
func BenchmarkHandshake(b *testing.B) {
	for _, name := range []string{"Noise_IK_25519_AESGCM_SHA256", "Noise_IK_25519_ChaChaPoly_BLAKE2s", hybridName, prekeyName} {
		b.Run(name, func(b *testing.B) {
			ip, rp := pair(b, parse(b, name), name)
			b.ReportAllocs()
			for b.Loop() {
				i, _ := NewHandshake(ip.config)
				r, _ := NewHandshake(rp.config)
				finish(b, i, r, func(int) []byte { return nil })
				split(b, i)
				split(b, r)
			}
		})
	}
	b.Run("flynn/Noise_IK_25519_AESGCM_SHA256", func(b *testing.B) {
		ip, rp := pair(b, parse(b, "Noise_IK_25519_AESGCM_SHA256"), "bench")
		b.ReportAllocs()
		for b.Loop() {
			i := newFlynn(b, flynn.HandshakeIK, "AESGCM", "SHA256", -1, ip.config)
			r := newFlynn(b, flynn.HandshakeIK, "AESGCM", "SHA256", -1, rp.config)
			first, _, _, err := i.WriteMessage(nil, nil)
			check(b, err)
			_, _, _, err = r.ReadMessage(nil, first)
			check(b, err)
			second, _, _, err := r.WriteMessage(nil, nil)
			check(b, err)
			_, _, _, err = i.ReadMessage(nil, second)
			check(b, err)
		}
	})
}

// What the responder pays for message 1 until it knows the static key, for all of
// it, and for its answer.
func BenchmarkResponder(b *testing.B) {
	for _, name := range []string{hybridName, prekeyName} {
		ip, rp := pair(b, parse(b, name), name)
		first := write(b, ip.begin(b), nil)
		begin := func(b *testing.B) *HandshakeState {
			h, err := NewHandshake(rp.config)
			check(b, err)
			return h
		}
		b.Run(name+"/static", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, err := begin(b).ReadStatic(first)
				check(b, err)
			}
		})
		b.Run(name+"/message1", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, err := begin(b).ReadMessage(nil, first)
				check(b, err)
			}
		})
		b.Run(name+"/open", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				h := begin(b)
				_, err := h.ReadMessage(nil, first)
				check(b, err)
				write(b, h, nil)
				split(b, h)
			}
		})
	}
}

// What the initiator pays for message 1, which it can do ahead, and for message 2.
func BenchmarkInitiator(b *testing.B) {
	for _, name := range []string{hybridName, prekeyName} {
		ip, _ := pair(b, parse(b, name), name)
		b.Run(name+"/message1", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				h, err := NewHandshake(ip.config)
				check(b, err)
				write(b, h, nil)
			}
		})
	}
}

// Sealing and opening one message, in buffers that are used again.
func BenchmarkTransport(b *testing.B) {
	for _, name := range []string{"Noise_IK_25519_AESGCM_SHA256", "Noise_IK_25519_ChaChaPoly_SHA256"} {
		for _, size := range []struct {
			name  string
			bytes int
		}{{"64", 64}, {"1K", 1 << 10}, {"16K", 16 << 10}} {
			b.Run(name+"/"+size.name, func(b *testing.B) {
				i, r := transports(b, name)
				plaintext := make([]byte, size.bytes)
				rand.Read(plaintext)
				sealed, opened := make([]byte, 0, size.bytes+TagSize), make([]byte, 0, size.bytes)
				b.SetBytes(int64(size.bytes))
				b.ReportAllocs()
				for b.Loop() {
					sealed, _ = i.Seal(sealed[:0], nil, plaintext)
					opened, _ = r.Open(opened[:0], nil, sealed)
				}
			})
		}
	}
}
