package channel

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"runtime"
	"testing"
	"time"
)

var benchSizes = []int{64, 16 << 10}

// tlsPair returns a TLS 1.3 connection over the loopback interface. The suite is
// what crypto/tls chooses where AES is fast: AES-128-GCM.
func tlsPair(b *testing.B) (client, server net.Conn) {
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
	near, far := tcpPair(b)
	c := tls.Client(near, &tls.Config{RootCAs: pool, ServerName: "test", MinVersion: tls.VersionTLS13})
	s := tls.Server(far, &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS13, SessionTicketsDisabled: true,
	})
	done := make(chan error)
	go func() { done <- s.Handshake() }()
	if err := c.Handshake(); err != nil {
		b.Fatal(err)
	}
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	return c, s
}

var layers = []struct {
	name string
	pair func(*testing.B) (near, far net.Conn)
}{
	{"channel", func(b *testing.B) (net.Conn, net.Conn) {
		near, far := tcpPair(b)
		pair := startPair(b, near, far)
		return pair[0], pair[1]
	}},
	{"tls", tlsPair},
}

// One direction as fast as it goes, over the loopback interface, both sides in
// this process.
func BenchmarkStream(b *testing.B) {
	for _, size := range benchSizes {
		for _, layer := range layers {
			b.Run(fmt.Sprintf("%d/%s", size, layer.name), func(b *testing.B) {
				near, far := layer.pair(b)
				read := make(chan int64)
				go func() {
					n, _ := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{far}, make([]byte, 32<<10))
					read <- n
				}()
				text := make([]byte, size)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := near.Write(text); err != nil {
						b.Fatal(err)
					}
				}
				near.Close()
				if n := <-read; n < int64(b.N)*int64(size) {
					b.Fatalf("%d bytes arrive of %d", n, int64(b.N)*int64(size))
				}
				far.Close()
			})
		}
	}
}

// There and back.
func BenchmarkPingPong(b *testing.B) {
	for _, size := range benchSizes {
		for _, layer := range layers {
			b.Run(fmt.Sprintf("%d/%s", size, layer.name), func(b *testing.B) {
				near, far := layer.pair(b)
				go func() {
					got := make([]byte, size)
					for {
						if _, err := io.ReadFull(far, got); err != nil {
							far.Close()
							return
						}
						far.Write(got)
					}
				}()
				text := make([]byte, size)
				b.ReportAllocs()
				for b.Loop() {
					if _, err := near.Write(text); err != nil {
						b.Fatal(err)
					}
					if _, err := io.ReadFull(near, text); err != nil {
						b.Fatal(err)
					}
				}
				near.Close()
			})
		}
	}
}

// What an idle connection holds, each side, with its goroutines, after traffic
// in both directions and a garbage collection.
func BenchmarkIdle(b *testing.B) {
	const pairs = 2000
	for _, layer := range append(layers, struct {
		name string
		pair func(*testing.B) (near, far net.Conn)
	}{"tcp", func(b *testing.B) (net.Conn, net.Conn) { return tcpPair(b) }}) {
		b.Run(layer.name, func(b *testing.B) {
			for b.Loop() {
				before := held()
				conns := make([]net.Conn, 0, 2*pairs)
				for range pairs {
					near, far := layer.pair(b)
					for _, c := range [][2]net.Conn{{near, far}, {far, near}} {
						text := make([]byte, 20000)
						go c[0].Write(text)
						if _, err := io.ReadFull(c[1], text); err != nil {
							b.Fatal(err)
						}
					}
					conns = append(conns, near, far)
				}
				time.Sleep(2 * confirmAfter)
				b.ReportMetric(float64(held()-before)/(2*pairs), "B/side")
				for _, c := range conns {
					c.Close()
				}
			}
		})
	}
}

// held returns the bytes of live objects and stacks.
func held() int64 {
	runtime.GC()
	runtime.GC() // pools let go at the second one
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
