package record

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"math/big"
	"net"
	"testing"
	"time"
)

var benchSizes = []struct {
	name  string
	bytes int
}{{"64", 64}, {"1K", 1 << 10}, {"16K", 16 << 10}}

// Sealing and opening one record, in buffers that are used again, with the
// system's clock.
func BenchmarkRecord(b *testing.B) {
	for name, suite := range suites {
		for _, size := range benchSizes {
			b.Run(name+"/"+size.name, func(b *testing.B) {
				p := newPeers(b, suite, func(c *Config, _ *primitives) { c.Now = time.Now })
				plaintext := make([]byte, size.bytes)
				rand.Read(plaintext)
				sealed, opened := make([]byte, 0, MaxRecord), make([]byte, 0, MaxRecord)
				b.SetBytes(int64(size.bytes))
				b.ReportAllocs()
				for b.Loop() {
					record, err := p.side[Initiator].Seal(sealed, Application, plaintext)
					if err != nil {
						b.Fatal(err)
					}
					if _, _, err = p.side[Responder].Open(opened, record); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// The same work as TLS 1.3 has for a record (RFC 8446, section 5): header,
// content, content type, AES-256-GCM with a nonce that is XORed. No connection,
// no locks, no limits.
func BenchmarkBareTLSRecord(b *testing.B) {
	for _, size := range benchSizes {
		b.Run(size.name, func(b *testing.B) {
			block, err := aes.NewCipher(make([]byte, 32))
			if err != nil {
				b.Fatal(err)
			}
			aead, err := cipher.NewGCM(block)
			if err != nil {
				b.Fatal(err)
			}
			plaintext := make([]byte, size.bytes)
			rand.Read(plaintext)
			sealed, opened := make([]byte, 0, MaxRecord), make([]byte, 0, MaxRecord)
			var nonce [12]byte
			var sequence uint64
			b.SetBytes(int64(size.bytes))
			b.ReportAllocs()
			for b.Loop() {
				binary.BigEndian.PutUint64(nonce[4:], sequence)
				sequence++
				record := append(sealed, 23, 3, 3, byte((size.bytes+17)>>8), byte(size.bytes+17))
				record = append(append(record, plaintext...), 23)
				record = aead.Seal(record[:5], nonce[:], record[5:], record[:5])
				if _, err := aead.Open(opened, nonce[:], record[5:], record[:5]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// One record through a connection in memory, sealed, carried, and opened: this
// package's, and crypto/tls's.
func BenchmarkPipe(b *testing.B) {
	for _, size := range benchSizes {
		b.Run("record/"+size.name, func(b *testing.B) {
			near, far := net.Pipe()
			defer near.Close()
			p := newPeers(b, AES256GCM, func(c *Config, _ *primitives) { c.Now = time.Now })
			opened := make(chan error)
			go func() { opened <- openAll(p.side[Responder], far) }()
			plaintext, sealed := make([]byte, size.bytes), make([]byte, 0, MaxRecord)
			b.SetBytes(int64(size.bytes))
			b.ReportAllocs()
			for b.Loop() {
				record, err := p.side[Initiator].Seal(sealed, Application, plaintext)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := near.Write(record); err != nil {
					b.Fatal(err)
				}
			}
			near.Close()
			if err := <-opened; err != io.EOF {
				b.Fatal(err)
			}
		})
		b.Run("tls/"+size.name, func(b *testing.B) {
			client, server := tlsPair(b)
			defer client.Close()
			done := make(chan error)
			go func() {
				_, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{server}, make([]byte, MaxPlaintext))
				done <- err
			}()
			plaintext := make([]byte, size.bytes)
			b.SetBytes(int64(size.bytes))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := client.Write(plaintext); err != nil {
					b.Fatal(err)
				}
			}
			client.CloseWrite()
			if err := <-done; err != nil {
				b.Fatal(err)
			}
		})
	}
}

// openAll opens records from r until it ends.
func openAll(s *Session, r io.Reader) error {
	r = bufio.NewReaderSize(r, MaxRecord) // as crypto/tls reads
	record, opened := make([]byte, MaxRecord), make([]byte, 0, MaxRecord)
	for {
		if _, err := io.ReadFull(r, record[:HeaderSize]); err != nil {
			return err
		}
		n, err := BodySize(record)
		if err != nil {
			return err
		}
		if _, err := io.ReadFull(r, record[HeaderSize:HeaderSize+n]); err != nil {
			return err
		}
		if _, _, err := s.Open(opened, record[:HeaderSize+n]); err != nil {
			return err
		}
	}
}

// tlsPair returns a TLS 1.3 connection in memory.
func tlsPair(b *testing.B) (client, server *tls.Conn) {
	b.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"test"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		b.Fatal(err)
	}
	root, err := x509.ParseCertificate(der)
	if err != nil {
		b.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(root)
	near, far := net.Pipe()
	client = tls.Client(near, &tls.Config{RootCAs: pool, ServerName: "test", MinVersion: tls.VersionTLS13})
	server = tls.Server(far, &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS13, SessionTicketsDisabled: true,
	})
	done := make(chan error)
	go func() { done <- server.Handshake() }()
	if err := client.Handshake(); err != nil {
		b.Fatal(err)
	}
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	return client, server
}

// One whole ratchet, both sides.
func BenchmarkRatchet(b *testing.B) {
	p := newPeers(b, AES256GCM)
	for _, s := range p.side {
		s.ratchet.primitives = system()
	}
	b.ReportAllocs()
	for b.Loop() {
		p.wire = p.wire[:0]
		p.ratchet()
	}
}

// Beginning a session.
func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := New(Config{Suite: AES256GCM, Transcript: make([]byte, 32)}, make([]byte, 32)); err != nil {
			b.Fatal(err)
		}
	}
}

// A symmetric step of one direction.
func BenchmarkStep(b *testing.B) {
	p := newPeers(b, AES256GCM)
	b.ReportAllocs()
	for b.Loop() {
		if err := p.side[Initiator].send.advance(p.clock.now()); err != nil {
			b.Fatal(err)
		}
	}
}
