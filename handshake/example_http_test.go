package handshake_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"

	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/internal/venuetest"
)

// pseudonym is the key under which a request's context has the channel's state.
type pseudonym struct{}

// An HTTP server whose clients are members of a registry. Addresses begin with
// https, so that http.Transport asks DialTLSContext; the host name is a label, as
// the channel reaches the venue whose descriptor it was opened with. Listener and
// certificates are here those of a venue in memory.
func Example_http() {
	venue := venuetest.New("example")
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	listener := venue.Listen(inner)
	server := &http.Server{
		// The state of the channel that a request came over.
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, pseudonym{}, c.(*handshake.Conn).ConnectionState().Statement.Nullifier)
		},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "welcome, %T", r.Context().Value(pseudonym{}))
		}),
	}
	go server.Serve(listener)
	defer server.Close()

	dialer, member := venue.Dialer("tcp", listener.Addr().String()), venue.Member("alice")
	client := &http.Client{Transport: &http.Transport{
		DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.Open(ctx, member.Certificate(), nil)
		},
	}}
	defer client.CloseIdleConnections()
	response, err := client.Get("https://venue/")
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(response.Status, string(body))
	// Output: 200 OK welcome, zkkex.Nullifier
}
