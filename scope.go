package zkkex

import "github.com/zkkex/zkkex/internal/domain"

// VenueScope is the context of sessions at a venue. Clients derive the scope
// themselves, from what the venue's descriptor says.
type VenueScope struct {
	// Venue is the digest of the venue's long-term identity key.
	Venue [32]byte
	// Registry is the registry whose members the venue admits.
	Registry RegistryID
	// ChainID is the EVM chain the venue settles on, or 0.
	ChainID uint64
	// Epoch is the epoch that slots count in.
	Epoch Epoch
	// Generation is raised by a venue to make everyone prove again.
	Generation uint32
}

// Scope returns the scope of the context.
func (v VenueScope) Scope() Scope {
	return domain.Hash(domain.ScopeVenue, v.Venue[:], v.Registry[:], domain.Uint64(v.ChainID),
		epochFields(v.Epoch), domain.Uint32(v.Generation))
}

// NamedScope is the context of a proof without a venue: a name that prover and
// verifier agree on, such as "rfq.example/2026".
type NamedScope struct {
	// Name is the agreed string, any bytes.
	Name string
	// Registry is the registry whose members may prove.
	Registry RegistryID
	// Epoch is the epoch that slots count in.
	Epoch Epoch
}

// Scope returns the scope of the context.
func (n NamedScope) Scope() Scope {
	return domain.Hash(domain.ScopeNamed, []byte(n.Name), n.Registry[:], epochFields(n.Epoch))
}

// epochFields is origin (8 bytes), length (4) and number (8), big-endian.
func epochFields(e Epoch) []byte {
	b := domain.Uint64(uint64(e.Origin))
	b = append(b, domain.Uint32(e.Length)...)
	return append(b, domain.Uint64(e.Number)...)
}
