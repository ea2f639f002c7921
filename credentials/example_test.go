package credentials_test

import (
	"context"
	"fmt"
	"log"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/zkkex/zkkex/credentials"
	"github.com/zkkex/zkkex/internal/venuetest"
)

// whoami knows callers by their pseudonyms.
func whoami(ctx context.Context, r any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if state, ok := credentials.FromContext(ctx); ok {
		fmt.Println("a member calls, whose session was opened", state.Opens, "times before")
	}
	return next(ctx, r)
}

// A gRPC service whose callers are members of a registry, and nobody in
// particular. The listener is one of package venue's, the channel one of package
// member's; here both are of a venue in memory.
func Example() {
	venue := venuetest.New("example")
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	listener := venue.Listen(inner)

	server := grpc.NewServer(grpc.Creds(credentials.NewServer(nil)), grpc.UnaryInterceptor(whoami))
	healthpb.RegisterHealthServer(server, health.NewServer())
	go server.Serve(listener)
	defer server.Stop()

	dialer := venue.Dialer("tcp", listener.Addr().String())
	member := venue.Member("alice")
	conn, err := grpc.NewClient("passthrough:venue",
		grpc.WithTransportCredentials(credentials.NewClient(nil)),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			// A fresh certificate each time: no two connections can be linked.
			return dialer.Open(ctx, member.Certificate(), nil)
		}))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	answer, err := healthpb.NewHealthClient(conn).Check(context.Background(), &healthpb.HealthCheckRequest{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.GetStatus())
	// Output:
	// a member calls, whose session was opened 0 times before
	// SERVING
}
