package enginegrpc_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc/credentials"

	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/engine/enginegrpc"
)

// certificate returns a self-signed one for 127.0.0.1, and a pool with it.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "engine.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// A gateway shows a certificate, or is not let in.
func TestMutualTLS(t *testing.T) {
	server, serverPool := certificate(t)
	gateway, gatewayPool := certificate(t)
	stranger, _ := certificate(t)
	l, err := enginegrpc.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	serve(t, address, enginegrpc.ServerConfig{
		Engine: newBook(t),
		Credentials: credentials.NewTLS(&tls.Config{
			Certificates: []tls.Certificate{server}, ClientCAs: gatewayPool, ClientAuth: tls.RequireAndVerifyClientCert,
		}),
	})
	with := func(own ...tls.Certificate) enginegrpc.Config {
		return enginegrpc.Config{
			Address: address, Patience: 500 * time.Millisecond,
			Credentials: credentials.NewTLS(&tls.Config{RootCAs: serverPool, Certificates: own}),
		}
	}
	good := with(gateway)
	good.Patience = time.Minute
	if err := dial(t, good).Do(t.Context(), []engine.Command{newOrder(1)}); err != nil {
		t.Error(err)
	}
	for name, c := range map[string]enginegrpc.Config{
		"none": with(), "another's": with(stranger), "plain": {Address: address, Patience: 500 * time.Millisecond},
	} {
		if _, err := enginegrpc.Dial(t.Context(), c); !errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("certificate %s: got %v", name, err)
		}
	}
}
