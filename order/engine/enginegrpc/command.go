package enginegrpc

import (
	"fmt"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/engine/enginegrpc/enginepb"
)

// maxCommands is the most commands of a call.
const maxCommands = 1000

// encodeCommand returns the message of a command. The error says why there is none.
func encodeCommand(c *engine.Command) (*enginepb.Command, error) {
	p := &enginepb.Command{
		ID: encodeOrderID(c.ID), Session: encodeSession(c.Session), Target: encodeOrderID(c.Target),
		Expires: encodeTime(c.Expires), Now: encodeTime(c.Now), Reason: uint32(c.Reason),
	}
	if c.Reason != 0 {
		p.ClOrdID = encodeID(unaskedID(c.Request))
	} else if err := encodeRequest(p, c.Request); err != nil {
		return nil, err
	}
	if _, err := decodeCommand(p); err != nil {
		return nil, fmt.Errorf("enginegrpc: a command cannot be sent: %w", err)
	}
	return p, nil
}

func encodeRequest(p *enginepb.Command, r order.Request) (err error) {
	if r == nil {
		return fmt.Errorf("enginegrpc: a command cannot be sent: it has no request")
	}
	if p.Request, err = order.AppendRequest(nil, r); err != nil {
		return fmt.Errorf("enginegrpc: a command cannot be sent: %w", err)
	}
	return nil
}

// unaskedID returns the ID to be repeated in the report of a cancel with a reason.
func unaskedID(r order.Request) order.ID {
	if c, ok := r.(*order.OrderCancelRequest); ok && c != nil {
		return c.ClOrdID
	}
	return order.ID{}
}

// decodeCommand is the inverse. Its error wraps zkkex.ErrMalformed. A cancel with a
// reason comes as an OrderCancelRequest.
func decodeCommand(p *enginepb.Command) (engine.Command, error) {
	var d decoder
	c := engine.Command{
		ID: d.orderID("ID", p.ID, false), Session: d.session(p.Session, false),
		Target:  d.orderID("Target", p.Target, true),
		Expires: d.time("Expires", p.Expires, true), Now: d.time("Now", p.Now, false),
		Reason: engine.Reason(p.Reason),
	}
	if p.Reason > uint32(engine.MassCancel) {
		d.fail("Reason: unknown value %d", p.Reason)
	}
	if p.Reason == 0 {
		d.request(&c, p)
	} else {
		d.unasked(&c, p)
	}
	return c, d.err
}

func (d *decoder) request(c *engine.Command, p *enginepb.Command) {
	if len(p.ClOrdID) > 0 {
		d.fail("ClOrdID: expected none without a Reason")
	}
	r, err := order.ParseRequest(p.Request)
	if err != nil {
		d.fail("Request: %w", err)
	}
	c.Request = r
}

func (d *decoder) unasked(c *engine.Command, p *enginepb.Command) {
	if len(p.Request) > 0 || len(p.Target) == 0 {
		d.fail("a cancel with a Reason has a Target, and no Request")
	}
	c.Request = &order.OrderCancelRequest{ClOrdID: d.id("ClOrdID", p.ClOrdID, true)}
}
