package registrar

import (
	"net"
	"net/http"
	"testing"
	"time"
)

// TestSilentCrowd opens more silent connections from one address than a server
// has altogether, and asks from another address. On Linux, all of 127.0.0.0/8
// are addresses of the machine.
func TestSilentCrowd(t *testing.T) {
	address := serve(t)
	for range DefaultMaxConnections + 6 {
		dial(t, address)
	}
	from := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}, Timeout: 2 * time.Second}
	client := http.Client{Transport: &http.Transport{DialContext: from.DialContext, DisableKeepAlives: true}, Timeout: 2 * time.Second}
	resp, err := client.Get("http://" + address + "/checkpoint")
	if err != nil {
		t.Fatalf("an honest request beside a silent crowd: %v", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("an honest request beside a silent crowd: %s", resp.Status)
	}
}
