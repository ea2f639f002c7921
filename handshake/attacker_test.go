package handshake

import (
	"errors"
	"testing"

	"github.com/zkkex/zkkex/internal/race"
)

// How many schedules there are. Each follows from its number alone, and runs on one
// goroutine.
const (
	handshakeSchedules = 1000
	recordSchedules    = 10_000
)

// Several peers, and an attacker who has the wire between them: it delivers what
// it likes, where it likes, as often as it likes, changed as it likes. However it
// plays, both accept only with the same transcript, certificate and descriptor;
// what is read is what was written, from its beginning on; the end is the end;
// and nothing counts twice.
func TestAttackerOnHandshakes(t *testing.T) {
	s := newScene(t, unlimited)
	var total outcome
	for seed := range uint64(race.Share(handshakeSchedules)) {
		a := newAttack(t, s, seed, soundMachines)
		a.play(40)
		if err := a.check(); err != nil {
			t.Fatalf("schedule %d: %v", seed, err)
		}
		total.add(a.outcome())
	}
	total.requireAtLeast(t, outcome{established: 1500, confirmed: 1000, refused: 3000, early: 500, read: 1000, whole: 100})
}

// The same with channels that are open already, where schedules cost less.
func TestAttackerOnRecords(t *testing.T) {
	s := newScene(t, unlimited)
	var total outcome
	for seed := range uint64(race.Share(recordSchedules)) {
		a := newAttack(t, s, seed, soundMachines)
		a.openChannels(3)
		a.play(40)
		if err := a.check(); err != nil {
			t.Fatalf("schedule %d: %v", seed, err)
		}
		total.add(a.outcome())
	}
	total.requireAtLeast(t, outcome{established: 30_000, confirmed: 10_000, refused: 50_000, read: 20_000, whole: 1000, ratchets: 50})
}

// The machines' faults that the check must see, or it proves nothing. They are
// planted in what stands between attacker and machines, not in the machines.
func TestAttackerFindsPlantedFaults(t *testing.T) {
	for _, c := range []struct {
		name     string
		fault    machines
		channels int
		want     error
	}{
		{"a responder that does not compare digests", machines{skipsDigest: true}, 0, errDisagree},
		{"a record layer that takes a repeat", machines{takesRepeat: true}, 3, errAltered},
		{"a record layer that takes a gap", machines{takesGap: true}, 3, errAltered},
		{"an end of stream that is not authenticated", machines{truncates: true}, 3, errTruncation},
		{"a gate that spends again", machines{spendsAgain: true}, 0, errTwice},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t, unlimited)
			for seed := range uint64(handshakeSchedules) {
				a := newAttack(t, s, seed, c.fault)
				a.openChannels(c.channels)
				a.play(40)
				if err := a.check(); errors.Is(err, c.want) {
					return
				} else if err != nil {
					t.Fatalf("schedule %d: %v, expected %v", seed, err, c.want)
				}
			}
			t.Errorf("not noticed in %d schedules", handshakeSchedules)
		})
	}
}

// What can be wrong.
var (
	errDisagree   = errors.New("both accept, and do not agree")
	errAltered    = errors.New("what is read is not what was written")
	errTruncation = errors.New("an end that was not the end")
	errTwice      = errors.New("it counts twice")
)
