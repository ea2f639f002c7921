package venue

import (
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/venue/descriptor"
)

// Status is a venue's state, for its operator. It says nothing about any client
// but counts.
type Status struct {
	// Name, ID, Identity and Fingerprint say who the venue is. Identity is the
	// line, or lines, that clients pin.
	Name        string `json:"name"`
	ID          string `json:"id"`
	Identity    string `json:"identity"`
	Fingerprint string `json:"fingerprint"`
	// Follows says that another gateway issues what this one serves.
	Follows bool `json:"follows"`
	// Registry is the copy of the registry.
	Registry RegistryStatus `json:"registry"`
	// Current is the descriptor that clients use now, nil if none is valid: then
	// nobody can connect. Next is the one that was issued after it, if any.
	Current *DescriptorStatus `json:"current"`
	Next    *DescriptorStatus `json:"next"`
	// Published is the number of descriptors that clients can fetch.
	Published uint64 `json:"published"`
	// Epochs are those that the newest descriptor names.
	Epochs []EpochStatus `json:"epochs"`
	// Admissions are what the gate decided since the venue was opened, nil if it
	// admits nobody.
	Admissions *AdmissionStatus `json:"admissions"`
	// Handshakes are what became of connections and first messages, and
	// Verifications of proofs, nil if the venue was opened to admit nobody.
	Handshakes    *HandshakeStatus    `json:"handshakes"`
	Verifications *VerificationStatus `json:"verifications"`
	// Problems are what the venue tries and cannot do, the oldest first.
	Problems []Problem `json:"problems"`
}

// RegistryStatus is what a venue knows of its registry.
type RegistryStatus struct {
	Name string `json:"name"`
	URL  string `json:"url"`
	// Sequence and Signed are of the newest checkpoint, which is nil before the
	// first sync.
	Sequence *uint64    `json:"sequence"`
	Signed   *time.Time `json:"signed"`
	// Members is the number of live members, by key type.
	Members map[string]uint64 `json:"members"`
}

// DescriptorStatus is a descriptor in short.
type DescriptorStatus struct {
	Number     uint64    `json:"number"`
	Digest     string    `json:"digest"`
	Generation uint32    `json:"generation"`
	NotBefore  time.Time `json:"not_before"`
	NotAfter   time.Time `json:"not_after"`
	// PrekeysExpire is when first messages sealed to it can be read no more.
	PrekeysExpire time.Time `json:"prekeys_expire"`
}

// EpochStatus is what was named for an epoch.
type EpochStatus struct {
	Number   uint64    `json:"number"`
	Begins   time.Time `json:"begins"`
	Ends     time.Time `json:"ends"`
	Limit    uint32    `json:"limit"`
	Sequence uint64    `json:"sequence"`
	Root     string    `json:"root"`
	// Members is the size of the anonymity set, by key type. It is nil if the
	// venue's own copy of the registry does not have the root: nobody is admitted
	// under it then.
	Members map[string]uint64 `json:"members"`
}

// AdmissionStatus counts what a gate decided.
type AdmissionStatus struct {
	// Admitted is the number of certificates that were admitted, Again how often
	// one of them was shown again, Opens the number of recorded opens.
	Admitted uint64 `json:"admitted"`
	Again    uint64 `json:"again"`
	Opens    uint64 `json:"opens"`
	// Refused is the number of rejections, by reason.
	Refused map[zkkex.Reason]uint64 `json:"refused"`
	// Undecided is the number of questions that could not be answered.
	Undecided uint64 `json:"undecided"`
	// Channels is the number of channels that are open now.
	Channels int `json:"channels"`
}

// Status returns the venue's state.
func (v *Venue) Status() *Status {
	id, now := v.Identity(), v.now()
	s := &Status{
		Name: id.Name(), ID: id.ID().String(), Identity: id.String(), Fingerprint: id.Fingerprint(), Follows: v.Follows(),
		Registry: v.registryStatus(), Epochs: []EpochStatus{}, Admissions: v.admissionStatus(),
		Handshakes: v.handshakeStatus(), Verifications: v.verificationStatus(), Problems: v.problems.list(),
	}
	latest := v.store.Latest()
	if valid := v.store.Valid(now); len(valid) > 0 {
		current := valid[len(valid)-1]
		s.Current = descriptorStatus(current)
		if latest.Number > current.Number {
			s.Next = descriptorStatus(latest)
		}
	} else if latest != nil && now.Before(latest.NotBefore) {
		s.Next = descriptorStatus(latest)
	}
	if latest != nil {
		for _, terms := range latest.Epochs {
			s.Epochs = append(s.Epochs, v.epochStatus(latest, terms))
		}
	}
	published, err := v.published()
	if err != nil {
		s.Problems = append(s.Problems, Problem{What: "publish", Since: now.UTC(), Error: err.Error()})
	}
	s.Published = published
	return s
}

func (v *Venue) registryStatus() RegistryStatus {
	s := RegistryStatus{URL: v.config.Registry.URL, Members: map[string]uint64{}}
	if verifier, err := registry.NewVerifier(v.config.Registry.VerifierKey); err == nil { // it was checked
		s.Name = verifier.Name()
	}
	if newest := v.mirror.Checkpoint(); newest != nil {
		s.Sequence, s.Signed = &newest.Sequence, &newest.Time
		for keyType, n := range newest.Members {
			s.Members[keyType.String()] = n
		}
	}
	return s
}

func descriptorStatus(d *descriptor.Signed) *DescriptorStatus {
	return &DescriptorStatus{
		Number: d.Number, Digest: d.Digest().String(), Generation: d.Generation,
		NotBefore: d.NotBefore, NotAfter: d.NotAfter, PrekeysExpire: d.Prekeys.Expires,
	}
}

func (v *Venue) epochStatus(d *descriptor.Signed, terms descriptor.EpochTerms) EpochStatus {
	s := EpochStatus{Number: terms.Number, Limit: terms.Limit, Sequence: terms.Sequence, Root: terms.Root.String()}
	epoch := zkkex.Epoch{Schedule: d.Schedule, Number: terms.Number}
	s.Begins, _ = epoch.Start() // a descriptor's epochs are in range
	s.Ends, _ = epoch.End()
	if known, err := v.mirror.Find(terms.Sequence, terms.Root); err == nil {
		s.Members = make(map[string]uint64)
		for keyType, n := range known.Members {
			s.Members[keyType.String()] = n
		}
	}
	return s
}

func (v *Venue) admissionStatus() *AdmissionStatus {
	decides := v.gate.decides.Load()
	if decides == nil {
		return nil
	}
	stats := decides.Stats()
	if stats.Refused == nil {
		stats.Refused = map[zkkex.Reason]uint64{}
	}
	s := AdmissionStatus(stats)
	return &s
}
