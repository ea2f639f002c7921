package record

import "time"

// generation is what follows from one channelSecret. Each secret is overwritten
// when it is used.
type generation struct {
	number     uint64
	born       time.Time
	transcript transcript
	ratchet    ratchetSecret
	// By the role that seals, or that confirms:
	phases        [2]phaseSecret
	confirmations [2][confirmationSize]byte
}

// newGeneration takes a channel secret.
func newGeneration(number uint64, born time.Time, c *channelSecret, t transcript, wipe func([]byte)) *generation {
	g := &generation{number: number, born: born, transcript: t, ratchet: c.ratchet(&t)}
	for _, role := range []Role{Initiator, Responder} {
		g.phases[role] = c.phase(role, &t)
		if number > 0 { // the first needs no more confirmation than its first record
			g.confirmations[role] = c.confirmation(role, &t)
		}
	}
	wipe(c[:])
	return g
}

// wipe forgets everything but the transcript, which is no secret.
func (g *generation) wipe(wipe func([]byte)) {
	wipe(g.ratchet[:])
	for role := range g.phases {
		wipe(g.phases[role][:])
		wipe(g.confirmations[role][:])
	}
}
