package orderws

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/coder/websocket"

	"github.com/zkkex/zkkex/order"
)

// ServeFunc serves one connection of a session, until it returns. ctx is that of
// the HTTP request: a server's ConnContext can put into it what is known of the
// channel.
type ServeFunc func(ctx context.Context, s order.Stream) error

// Handler returns the handler of [Path]. A page of another origin than the address
// that it connects to is refused: it would otherwise be able to trade through the
// tunnel of whoever looks at it. So is a page that names that address by anything but
// "localhost" or an IP address: the owner of any other name can have it mean the
// tunnel (DNS rebinding).
func Handler(serve ServeFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != Path {
			http.Error(w, "orders are taken at "+Path, http.StatusNotFound)
			return
		}
		if r.Header.Get("Origin") != "" && !literal(r.Host) {
			http.Error(w, "a page reaches orders at localhost or at an IP address, not at another name", http.StatusForbidden)
			return
		}
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return // Accept has answered
		}
		s := &venueStream{newStream(r.Context(), conn)}
		_ = serve(r.Context(), s) // what is wrong has been said in a Terminate
		_ = s.Close()
	})
}

// literal reports whether a Host header names an address that no DNS server decides.
func literal(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil || strings.EqualFold(host, "localhost")
}

// venueStream is an [order.Stream].
type venueStream struct{ *stream }

func (v *venueStream) ReadRequests(dst []order.ClientFrame) ([]order.ClientFrame, error) {
	return read(v.stream, dst, order.ParseClientFrameJSON)
}

func (v *venueStream) WriteReports(frames []order.VenueFrame) error {
	return write(v.stream, frames, order.AppendVenueFrameJSON)
}
