package ordergrpc

import (
	"fmt"

	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // the codec of other services
	"google.golang.org/grpc/mem"
)

// message is an encoded frame, as it is on the wire.
type message struct{ b []byte }

// codec passes frames through, and leaves messages of other services to protobuf's
// own codec, by whose name it goes.
type codec struct{ other encoding.CodecV2 }

func newCodec() codec { return codec{encoding.GetCodecV2("proto")} }

func (c codec) Name() string { return "proto" }

func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	if m, ok := v.(*message); ok {
		return mem.BufferSlice{mem.SliceBuffer(m.b)}, nil
	}
	return c.other.Marshal(v)
}

func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	m, ok := v.(*message)
	if !ok {
		return c.other.Unmarshal(data, v)
	}
	m.b = data.Materialize()
	if len(m.b) != data.Len() {
		return fmt.Errorf("%d of %d bytes were read", len(m.b), data.Len())
	}
	return nil
}
