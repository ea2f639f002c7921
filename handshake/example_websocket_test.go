package handshake_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"

	"github.com/coder/websocket"

	"github.com/zkkex/zkkex/internal/venuetest"
)

// echo sends back the first message of a WebSocket.
func echo(w http.ResponseWriter, r *http.Request) {
	socket, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // Accept has answered
	}
	defer socket.CloseNow()
	kind, message, err := socket.Read(r.Context())
	if err != nil {
		return
	}
	if err := socket.Write(r.Context(), kind, message); err == nil {
		socket.Close(websocket.StatusNormalClosure, "")
	}
}

// A WebSocket over a channel: an HTTP server over the listener, and a client whose
// transport dials channels.
func Example_webSocket() {
	venue := venuetest.New("example")
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	listener := venue.Listen(inner)
	server := &http.Server{Handler: http.HandlerFunc(echo)}
	go server.Serve(listener)
	defer server.Close()

	dialer, member := venue.Dialer("tcp", listener.Addr().String()), venue.Member("alice")
	ctx := context.Background()
	socket, _, err := websocket.Dial(ctx, "wss://venue/", &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: &http.Transport{
			DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return dialer.Open(ctx, member.Certificate(), nil)
			},
		}},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer socket.CloseNow()
	if err := socket.Write(ctx, websocket.MessageText, []byte("hello")); err != nil {
		log.Fatal(err)
	}
	_, message, err := socket.Read(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(message))
	// Output: hello
}
