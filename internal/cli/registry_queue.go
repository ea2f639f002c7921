package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex/enrolment"
	"github.com/zkkex/zkkex/registry/registrar"
)

func (a *app) registryListCommand(o *registryOptions) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "list the enrolment requests that wait",
		Long: `List shows the requests that wait for a decision, and those that are approved
and not admitted yet. Each was checked when it arrived: its sender has the key.`,
		Example: `  zkkex registry list --json`,
		Args:    noArguments,
		RunE: a.run(func(context.Context, []string) (result, error) {
			return a.withQueue(o, func(q *registrar.Queue) (result, error) { return listQueue(q) })
		}),
	}
}

// requestResult is a request that waits.
type requestResult struct {
	ID        string    `json:"id"`
	State     string    `json:"state"`
	Arrived   time.Time `json:"arrived"`
	KeyType   string    `json:"key_type"`
	PublicKey string    `json:"public_key"`
	Leaf      string    `json:"leaf"`
	// Delegate is whom a device delegates to, and Until when that ends.
	Delegate string     `json:"delegate,omitempty"`
	Until    *time.Time `json:"until,omitempty"`
}

type listResult struct {
	Requests []requestResult `json:"requests"`
}

func listQueue(q *registrar.Queue) (result, error) {
	entries, err := q.List()
	r := &listResult{Requests: []requestResult{}}
	for _, e := range entries {
		r.Requests = append(r.Requests, newRequestResult(e))
	}
	return r, err
}

func newRequestResult(e registrar.Entry) requestResult {
	keyType, key := e.Request.Key()
	r := requestResult{
		ID: e.ID.String(), State: string(e.State), Arrived: e.Arrived.UTC(), KeyType: keyType.String(),
		PublicKey: hex.EncodeToString(key), Leaf: e.Leaf.String(),
	}
	if device, ok := e.Request.(*enrolment.DeviceRequest); ok && device.Delegation != nil {
		until := time.Unix(device.Delegation.Until, 0).UTC()
		r.Delegate, r.Until = hex.EncodeToString(device.Delegation.Delegate[:]), &until
	}
	return r
}

func (r *listResult) text() string {
	if len(r.Requests) == 0 {
		return "no request waits\n"
	}
	var parts []string
	for _, one := range r.Requests {
		var t table
		t.add("request", "%s", one.ID)
		t.add("state", "%s, arrived %s", one.State, one.Arrived.Format(time.RFC3339))
		t.add("key", "%s %s", one.KeyType, one.PublicKey)
		t.add("leaf", "%s", one.Leaf)
		if one.Until != nil {
			t.add("delegate", "%s until %s", one.Delegate, one.Until.Format(time.RFC3339))
		}
		parts = append(parts, t.String())
	}
	return strings.Join(parts, "\n")
}

func (a *app) registryChallengeCommand(o *registryOptions) *cobra.Command {
	var valid time.Duration
	var out string
	c := &cobra.Command{
		Use:     "challenge",
		Short:   "make a challenge for a member who is offline",
		Example: `  zkkex registry challenge --valid 72h --out challenge.txt`,
		Args:    noArguments,
	}
	c.Flags().DurationVar(&valid, "valid", 24*time.Hour, "how long the member has to answer")
	c.Flags().StringVar(&out, "out", stdStream, "write it to `FILE`")
	c.RunE = a.run(func(context.Context, []string) (result, error) {
		return a.withQueue(o, func(q *registrar.Queue) (result, error) {
			challenge, err := q.Challenge(a.env.Now(), valid)
			if err != nil {
				return nil, usagef("--valid: %w", err)
			}
			return a.newFile("challenge", []byte(challenge.String()+"\n"), out, [32]byte{})
		})
	})
	return c
}

func (a *app) registryApproveCommand(o *registryOptions) *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use:   "approve [REQUEST...]",
		Short: "approve enrolment requests",
		Long: `Approve decides that requests are to be admitted. The server admits them all
together with its next checkpoint; without a server, "zkkex registry checkpoint"
does. A request is named by its identifier, or the beginning of it.`,
		Example: `  zkkex registry approve 7c1e5a0b
  zkkex registry approve --all`,
	}
	c.Flags().BoolVar(&all, "all", false, "approve every request that waits")
	c.RunE = a.run(func(_ context.Context, args []string) (result, error) {
		if all == (len(args) > 0) {
			return nil, usagef("name requests, or give --all")
		}
		return a.withQueue(o, func(q *registrar.Queue) (result, error) {
			ids, err := requestIDs(q, args, all)
			if err != nil {
				return nil, err
			}
			return decide(q, ids, q.Approve)
		})
	})
	return c
}

func (a *app) registryDenyCommand(o *registryOptions) *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use:     "deny REQUEST...",
		Short:   "decide against enrolment requests",
		Example: `  zkkex registry deny 7c1e5a0b --reason "not on our list"`,
		Args:    arguments(1, math.MaxInt, "REQUEST..."),
	}
	c.Flags().StringVar(&reason, "reason", "", "what the member is told")
	c.RunE = a.run(func(_ context.Context, args []string) (result, error) {
		return a.withQueue(o, func(q *registrar.Queue) (result, error) {
			ids, err := requestIDs(q, args, false)
			if err != nil {
				return nil, err
			}
			return decide(q, ids, func(id registrar.RequestID) error { return q.Deny(id, reason, a.env.Now()) })
		})
	})
	return c
}

// minPrefix is the least of an identifier that names a request.
const minPrefix = 4

// requestIDs returns the requests that identifiers, or their beginnings, name;
// or all that wait for a decision.
func requestIDs(q *registrar.Queue, names []string, all bool) (ids []registrar.RequestID, err error) {
	entries, err := q.List()
	if err != nil {
		return nil, err
	}
	if all {
		for _, e := range entries {
			if e.State == registrar.Pending {
				ids = append(ids, e.ID)
			}
		}
		return ids, nil
	}
	for _, name := range names {
		id, err := requestID(entries, name)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

func requestID(entries []registrar.Entry, name string) (id registrar.RequestID, err error) {
	if id, err := registrar.ParseRequestID(name); err == nil {
		return id, nil
	}
	if len(name) < minPrefix {
		return id, usagef("request %q: expected at least %d digits of its identifier", name, minPrefix)
	}
	matches := 0
	for _, e := range entries {
		if strings.HasPrefix(e.ID.String(), name) {
			id, matches = e.ID, matches+1
		}
	}
	switch matches {
	case 0:
		return id, fmt.Errorf("%w: %.80q", registrar.ErrUnknownRequest, name)
	case 1:
		return id, nil
	default:
		return id, usagef("%d requests begin with %q: give more digits", matches, name)
	}
}

// decide carries out a decision about requests, and returns where they are.
func decide(q *registrar.Queue, ids []registrar.RequestID, decision func(registrar.RequestID) error) (result, error) {
	r := &decisionResult{Requests: []decidedRequest{}}
	for _, id := range ids {
		if err := decision(id); err != nil {
			return nil, err
		}
		o, err := q.Status(id)
		if err != nil {
			return nil, err
		}
		r.Requests = append(r.Requests, decidedRequest{o.ID.String(), string(o.State), o.Reason})
	}
	return r, nil
}

type decidedRequest struct {
	ID     string `json:"id"`
	State  string `json:"state"`
	Reason string `json:"reason,omitempty"`
}

// decisionResult is where requests are after a decision.
type decisionResult struct {
	Requests []decidedRequest `json:"requests"`
}

func (r *decisionResult) text() string {
	var b strings.Builder
	for _, one := range r.Requests {
		fmt.Fprintf(&b, "%s  %s\n", one.ID, one.State)
	}
	if len(r.Requests) == 0 {
		b.WriteString("no request waits\n")
	}
	return b.String()
}

func (a *app) registryAdmitCommand(o *registryOptions) *cobra.Command {
	return &cobra.Command{
		Use:   "admit FILE...",
		Short: "admit members by their requests, which came as files",
		Long: `Admit checks enrolment requests that came by another way than the server
("zkkex enroll --challenge"), approves them and admits them at once. The next
checkpoint has them.`,
		Example: `  zkkex registry admit request.txt && zkkex registry checkpoint --out checkpoint.txt`,
		Args:    arguments(1, math.MaxInt, "FILE..."),
		RunE: a.run(func(ctx context.Context, args []string) (result, error) {
			return a.withQueue(o, func(q *registrar.Queue) (result, error) { return a.admit(ctx, o, q, args) })
		}),
	}
}

func (a *app) admit(ctx context.Context, o *registryOptions, q *registrar.Queue, files []string) (result, error) {
	var ids []registrar.RequestID
	for _, file := range files {
		text, err := a.read(file, "request", enrolment.MaxRequestText)
		if err != nil {
			return nil, err
		}
		outcome, err := q.Add(text, a.env.Now())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if err := q.Approve(outcome.ID); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		ids = append(ids, outcome.ID)
	}
	// The operator admits what is approved; the requests stay approved if it
	// fails.
	_, err := a.operate(ctx, o, job{Do: doAdmit})
	r, decideErr := decide(q, ids, func(registrar.RequestID) error { return nil })
	return r, errors.Join(err, decideErr)
}
