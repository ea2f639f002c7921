package enginegrpc

import (
	"bytes"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/zkkex/zkkex"
)

// maxMessage is the most bytes of a message.
const maxMessage = 16 << 20

// strictCodec is gRPC's codec for protobuf, and refuses what it would not write:
// unknown fields, fields twice or out of order, numbers that are longer than need be.
type strictCodec struct{}

var (
	marshal   = proto.MarshalOptions{Deterministic: true}
	unmarshal = proto.UnmarshalOptions{DiscardUnknown: true}
)

// Name is the content type's, as for other protobuf.
func (strictCodec) Name() string { return "proto" }

// Marshal encodes a message.
func (strictCodec) Marshal(v any) ([]byte, error) {
	m, ok := v.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("enginegrpc: %T is no protobuf message", v)
	}
	return marshal.Marshal(m)
}

// Unmarshal decodes a message. Its error wraps [zkkex.ErrMalformed].
func (c strictCodec) Unmarshal(b []byte, v any) error {
	m, ok := v.(proto.Message)
	if !ok {
		return fmt.Errorf("enginegrpc: %T is no protobuf message", v)
	}
	if len(b) > maxMessage {
		return malformed("expected at most %d bytes, found %d", maxMessage, len(b))
	}
	if err := unmarshal.Unmarshal(b, m); err != nil {
		return malformed("%w", err)
	}
	again, err := marshal.Marshal(m)
	if err != nil {
		return malformed("%w", err)
	}
	if !bytes.Equal(again, b) {
		return malformed("%d bytes are not encoded canonically: expected fields in order, once each, none unknown", len(b))
	}
	return nil
}

func malformed(text string, args ...any) error {
	return &zkkex.ParseError{Format: "message between gateway and engine", Err: fmt.Errorf(text, args...)}
}
