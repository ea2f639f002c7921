// Package orderws carries the messages of package order as JSON over WebSocket
// (RFC 6455), for scripts and browsers: one text message is one frame, see
// docs/spec/order-json.md.
//
// WebSocket runs inside a channel like the other transports. A script reaches it
// through a tunnel on its own machine, or with a library of its language on a
// channel.
package orderws

// Path is where the handler answers. Its version goes up when a message that was
// read before would be refused.
const Path = "/v1/orders"
