package tunnel_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"sync"

	"github.com/zkkex/zkkex/internal/venuetest"
	"github.com/zkkex/zkkex/tunnel"
)

// A program on each side that knows nothing of channels. Listener and certificates
// of the channel are here those of a venue in memory.
func Example() {
	upstream, entry, network := loopback(), loopback(), loopback()
	venue := venuetest.New("example")
	server := &tunnel.Server{Listener: venue.Listen(network), Network: "tcp", Address: upstream.Addr().String()}
	dialer, member := venue.Dialer("tcp", network.Addr().String()), venue.Member("alice")
	client := &tunnel.Client{Listener: entry, Dial: func(ctx context.Context) (net.Conn, error) {
		return dialer.Open(ctx, member.Certificate(), nil)
	}}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(ctx) })
	running.Go(func() { _ = client.Serve(ctx) })

	go func() { // the program behind the venue
		conn, err := upstream.Accept()
		if err != nil {
			log.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintln(conn, "hello from behind")
	}()
	conn, err := net.Dial("tcp", entry.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	text, err := io.ReadAll(conn)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(string(text))
	conn.Close()
	stop()
	running.Wait()
	// Output: hello from behind
}

func loopback() net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	return l
}
