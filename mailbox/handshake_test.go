package mailbox_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"
	"testing"

	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/internal/record"
	"github.com/zkkex/zkkex/internal/venuetest"
	"github.com/zkkex/zkkex/mailbox"
)

// answerer is a venue's handler: early data is delivered to deliver, whose reply
// follows message 2 in one record.
func answerer(v *venuetest.Venue, deliver func(early []byte) []byte) mailbox.Handler {
	return func(ctx context.Context, message []byte) ([]byte, error) {
		answer, a, err := v.Responder.Respond(ctx, netip.Addr{}, message)
		if err != nil || a == nil {
			return answer, nil // a refusal is an answer, and silence is none
		}
		defer a.Release()
		records, err := a.Session(handshake.ChannelOptions{})
		if err != nil {
			return nil, err
		}
		defer records.Wipe()
		return records.Seal(answer, record.Application, deliver(a.Early))
	}
}

// read opens the answer of a venue.
func read(i *handshake.Initiator, answer []byte) (string, error) {
	size, err := handshake.BodySize(answer[:handshake.PrefixSize])
	if err != nil {
		return "", err
	}
	size += handshake.PrefixSize
	e, err := i.Finish(answer[:size])
	if err != nil {
		return "", err
	}
	records, err := e.Session(handshake.ChannelOptions{})
	if err != nil {
		return "", err
	}
	defer records.Wipe()
	_, text, err := records.Open(nil, answer[size:])
	return string(text), err
}

func firstMessage(t *testing.T, v *venuetest.Venue, member, early string) (*handshake.Initiator, []byte) {
	t.Helper()
	i, err := handshake.NewInitiator(v.Public(venuetest.EarlySuite), v.Member(member).Certificate(),
		handshake.InitiatorOptions{Kind: handshake.Inline, Early: []byte(early)})
	if err != nil {
		t.Fatal(err)
	}
	message, err := i.Message()
	if err != nil {
		t.Fatal(err)
	}
	if len(message) > mailbox.MaxMessage {
		t.Fatalf("message 1 has %d bytes, and the mailbox takes %d", len(message), mailbox.MaxMessage)
	}
	return i, message
}

// A member leaves early data for a venue that is not there, which answers later,
// through a folder and over HTTP.
func TestEarlyDataIsAnsweredLater(t *testing.T) {
	web, behind, _ := overHTTP(t, mailbox.HandlerOptions{})
	folder, _ := openFolder(t, mailbox.FolderOptions{})
	for _, tc := range []struct {
		name  string
		box   mailbox.Mailbox
		store mailbox.Store
	}{{"folder", folder, folder}, {"http", web, behind}} {
		t.Run(tc.name, func(t *testing.T) {
			v := venuetest.New(t.Name())
			i, message := firstMessage(t, v, "alice", "are you there?")
			id, err := tc.box.Post(t.Context(), message)
			if err != nil {
				t.Fatal(err)
			}
			serve(t, &mailbox.Server{Store: tc.store, Handle: answerer(v, func(early []byte) []byte {
				return fmt.Appendf(nil, "you said: %s", early)
			})})
			if text, err := read(i, []byte(wait(t, tc.box, id))); err != nil || text != "you said: are you there?" {
				t.Errorf("got %q, %v", text, err)
			}
			if opens, channels := v.Gate.Opens(); opens != 1 || channels != 0 {
				t.Errorf("%d opens, %d channels; want 1 and 0", opens, channels)
			}
		})
	}
}

// Whoever keeps the mailbox puts a message in again, under other identifiers, and
// to a venue that has started anew: it is delivered once.
func TestReplayedMessageIsDeliveredOnce(t *testing.T) {
	v := venuetest.New(t.Name())
	var delivered atomic.Int64
	handle := answerer(v, func([]byte) []byte {
		delivered.Add(1)
		return []byte("done")
	})
	_, message := firstMessage(t, v, "alice", "buy 100")
	f, _ := openFolder(t, mailbox.FolderOptions{})
	first := post(t, f, string(message))
	serve(t, &mailbox.Server{Store: f, Handle: handle})
	wait(t, f, first)
	again := []mailbox.ID{post(t, f, string(message)), post(t, f, string(message))}
	restarted, err := handshake.NewResponder(handshake.ResponderConfig{Keys: v.Config().Keys, Gate: v.Gate, EarlyData: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, a, err := restarted.Respond(t.Context(), netip.Addr{}, message); err == nil || a != nil {
		t.Errorf("a restarted venue takes the message again: %v", err)
	}
	sentinel, m := firstMessage(t, v, "bob", "another")
	if _, err := read(sentinel, []byte(wait(t, f, post(t, f, string(m))))); err != nil {
		t.Error(err)
	}
	if delivered.Load() != 2 {
		t.Errorf("%d deliveries of two messages", delivered.Load())
	}
	for _, id := range again {
		if _, err := f.Answer(t.Context(), id); !errors.Is(err, mailbox.ErrNoAnswer) {
			t.Errorf("a replay is answered: %v", err)
		}
	}
}

// A message whose prekey is gone is answered by "fetch the descriptor".
func TestMessageAfterItsPrekey(t *testing.T) {
	v := venuetest.New(t.Name())
	i, message := firstMessage(t, v, "alice", "too late")
	v.Keys.Number++ // the venue has moved on
	f, _ := openFolder(t, mailbox.FolderOptions{})
	id := post(t, f, string(message))
	serve(t, &mailbox.Server{Store: f, Handle: answerer(v, func([]byte) []byte {
		t.Error("early data under a prekey that is gone was delivered")
		return nil
	})})
	if _, err := i.Finish([]byte(wait(t, f, id))); !errors.Is(err, handshake.ErrUnknownDescriptor) {
		t.Errorf("got %v; want ErrUnknownDescriptor", err)
	}
}
