// Package ordergrpc carries the messages of package order over gRPC, on channels:
// the service Orders of order.proto, with the credentials of package credentials.
//
// Messages are encoded and decoded by package order, as strictly as on the framed
// transport, and not by the generated code; on the wire there is no difference, and
// other languages use code generated from order.proto.
package ordergrpc

import "google.golang.org/grpc"

// Method is the full name of the one method of the service.
const Method = "/zkkex.order.v1.Orders/Connect"

// description is what order_grpc.pb.go says of the service, with messages that
// package order decodes.
var description = grpc.ServiceDesc{
	ServiceName: "zkkex.order.v1.Orders",
	HandlerType: (*any)(nil),
	Streams: []grpc.StreamDesc{{
		StreamName:    "Connect",
		Handler:       connect,
		ServerStreams: true,
		ClientStreams: true,
	}},
	Metadata: "order/orderpb/order.proto",
}
