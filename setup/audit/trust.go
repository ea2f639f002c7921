package audit

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/zkkex/zkkex/setup/params"
)

// Who can do something that parameters should prevent.
const (
	// Nobody: not even everybody who took part, together.
	Nobody = "nobody"
	// Groups: those in [Trust.Groups], and nobody else.
	Groups = "groups"
	// Maker: whoever made the set, and those they told. That may be one party.
	Maker = "maker"
	// Unknown: the checks that would tell did not pass.
	Unknown = "unknown"
)

// Trust says who could cheat.
type Trust struct {
	// Forge is who can make proofs for statements that are false, and so be
	// admitted without being a member: [Groups], [Maker] or [Unknown].
	Forge string `json:"forge"`
	// Groups are the groups that can forge if all parties of one of them pool what
	// they should have forgotten. One honest party in each is enough.
	Groups []Group `json:"groups"`
	// Deanonymise is who can find out from proofs which member made them: [Nobody]
	// or [Unknown].
	Deanonymise string `json:"deanonymise"`
	// Words says all of it in sentences, and what a person should compare.
	Words []string `json:"words"`
}

// Group is all parties between whom a secret is split.
type Group struct {
	// Phase is the phase that the secret is of: 1 for tau, alpha and beta, 2 for
	// delta.
	Phase int `json:"phase"`
	// Parties are the parties, in the order of their first contribution.
	Parties []Party `json:"parties"`
	// Claimed is whether the parties are only what an imported file claims.
	Claimed bool `json:"claimed"`
}

// Party is somebody who contributed: the holder of a key, or an unsigned name.
type Party struct {
	// Names are the names that the party used.
	Names []string `json:"names"`
	// Key is the SSH key that signed, or empty.
	Key string `json:"key,omitempty"`
	// Signer is whom the list of allowed signers names, or empty.
	Signer string `json:"signer,omitempty"`
}

// String returns the names, and whose key it is if that is known.
func (p Party) String() string {
	quoted := make([]string, len(p.Names))
	for i, name := range p.Names {
		quoted[i] = strconv.Quote(name) // or a name could say that it is signed
	}
	s := strings.Join(quoted, " alias ")
	switch {
	case p.Signer != "":
		return fmt.Sprintf("%s (signed, %s)", s, p.Signer)
	case p.Key != "":
		return s + " (signed)"
	}
	return s + " (not signed)"
}

// findings is what the checks showed, as far as trust depends on it.
type findings struct {
	// transcript is whether there is one.
	transcript bool
	// circuit and srs are whether the circuit is ours and the first phase is one.
	circuit, srs bool
	// keys is whether all checks that keep proofs anonymous passed.
	keys bool
}

// judge says who could cheat with the set of the report.
func judge(r *Report, f findings) Trust {
	t := Trust{Forge: Unknown, Groups: groups(r), Deanonymise: Unknown, Words: []string{}}
	if f.keys {
		t.Deanonymise = Nobody
	}
	switch {
	case r.Kind == params.Dev || !f.transcript:
		t.Forge = Maker
	case r.Verdict == Sound:
		t.Forge = Groups
	}
	t.Words = append(t.Words, forgeWords(r, &t, f)...)
	t.Words = append(t.Words, anonymityWords(&t),
		fmt.Sprintf("Compare the params digest with others' before you pin it: %s. Whoever gives members different sets can tell them apart.", r.Params))
	if f.transcript {
		t.Words = append(t.Words, claimWords(r)...)
	}
	return t
}

// groups returns the parties of each phase.
func groups(r *Report) []Group {
	out := []Group{}
	if r.Imported != nil {
		g := Group{Phase: 1, Parties: []Party{}, Claimed: true}
		for _, name := range r.Imported.Contributors {
			g.Parties = append(g.Parties, Party{Names: []string{name}})
		}
		out = append(out, g)
	}
	for phase := 1; phase <= 2; phase++ {
		if parties := parties(r.Contributions, phase); len(parties) > 0 {
			out = append(out, Group{Phase: phase, Parties: parties})
		}
	}
	return out
}

// parties counts as one party's what is by one allowed signer, or signed with one
// key, or not signed and under one name.
func parties(contributions []Contribution, phase int) []Party {
	var out []Party
	for _, c := range contributions {
		if c.Phase != phase || c.Beacon {
			continue
		}
		i := slices.IndexFunc(out, func(p Party) bool { return p.made(&c) })
		if i < 0 {
			out = append(out, Party{Names: []string{c.Contributor}, Key: c.Key, Signer: c.Signer})
		} else if !slices.Contains(out[i].Names, c.Contributor) {
			out[i].Names = append(out[i].Names, c.Contributor)
		}
	}
	return out
}

func (p *Party) made(c *Contribution) bool {
	switch {
	case c.Signer != "":
		return p.Signer == c.Signer
	case c.Key != "":
		return p.Key == c.Key
	}
	return p.Key == "" && slices.Contains(p.Names, c.Contributor)
}

func forgeWords(r *Report, t *Trust, f findings) []string {
	switch {
	case !f.transcript:
		return []string{"Whoever made this set can forge: there is no transcript of a ceremony, so it must be assumed that one party knows every secret."}
	case r.Kind == params.Dev:
		return []string{"This is a development set: take it that whoever made it can forge. The contributors' names show how it was made, and count for nothing."}
	case t.Forge == Unknown:
		return []string{"Anybody may be able to forge: the transcript does not verify."}
	}
	var words []string
	for _, g := range t.Groups {
		words = append(words, g.words())
	}
	return append(words, "One honest contributor in each phase is enough: nobody else can forge, not even all others together.")
}

// words says who can forge by the group's secret.
func (g Group) words() string {
	names := make([]string, len(g.Parties))
	for i, party := range g.Parties {
		names[i] = party.String()
	}
	switch {
	case g.Claimed && len(names) == 0:
		return "Whoever made the imported phase 1 can forge: its file names nobody."
	case g.Claimed:
		return fmt.Sprintf("All who contributed to the imported phase 1 could forge together. Its file claims these names, %d of them: %s.",
			len(names), strings.Join(claimedNames(g.Parties), ", "))
	case len(names) == 1:
		return fmt.Sprintf("%s can forge alone: nobody else contributed to phase %d.", names[0], g.Phase)
	}
	return fmt.Sprintf("The %d contributors to phase %d could forge together: %s.", len(names), g.Phase, strings.Join(names, ", "))
}

func claimedNames(parties []Party) []string {
	names := make([]string, len(parties))
	for i, party := range parties {
		names[i] = fmt.Sprintf("%q", strings.Join(party.Names, ""))
	}
	return names
}

func anonymityWords(t *Trust) string {
	if t.Deanonymise == Nobody {
		return "Nobody can break anonymity by these parameters, not even all contributors together: the keys are well-formed, so that a proof looks the same whoever made it, and no member's proof fails."
	}
	return "Whether the keys are well-formed is not known. A member that verifies each proof before it sends it stays anonymous, but whoever made the keys may see for which members no proof comes."
}

// claimWords says what nobody can check from files.
func claimWords(r *Report) []string {
	var words []string
	var unsigned []string
	for _, c := range r.Contributions {
		switch {
		case c.Beacon:
			words = append(words, fmt.Sprintf("Compare the beacon of phase %d with its source, %q: %s. A beacon that somebody chose is none.", c.Phase, c.Contributor, c.Value))
		case c.Key == "":
			unsigned = append(unsigned, fmt.Sprintf("%s by %q", c.File, c.Contributor))
		}
	}
	if len(unsigned) > 0 {
		words = append(words, fmt.Sprintf("Not signed: %s. These names are claims, and may all be one person; ask each for the digest that was published.", strings.Join(unsigned, ", ")))
	}
	return append(words, importedWords(r.Imported)...)
}

func importedWords(i *Imported) []string {
	if i == nil {
		return nil
	}
	compared := "was not at hand here, so that even that its powers are those used is a claim"
	if i.Compared {
		compared = "has the powers that were used, as was checked here"
	}
	return []string{fmt.Sprintf("Phase 1 was imported from %q. The file with SHA-256 %v %s. Compare that digest with the one its ceremony published: who contributed to it is not verified here.",
		i.Source, i.File.SHA256, compared)}
}
