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
	// Imported is whether the phase was made elsewhere. Its parties are names in a file
	// and no keys; [Imported.Contributions] has what ties them to people.
	Imported bool `json:"imported"`
	// Claimed is whether it is not verified that there are such parties at all.
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
		out = append(out, Group{Phase: 1, Parties: r.Imported.parties(), Imported: true, Claimed: !r.Imported.Verified})
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

// parties counts as one party's what is under one name, and each contribution without
// a name.
func (i *Imported) parties() []Party {
	out := []Party{}
	for _, c := range i.Contributions {
		named := func(p Party) bool { return c.Contributor != "" && p.Names[0] == c.Contributor }
		if !c.Beacon && !slices.ContainsFunc(out, named) {
			out = append(out, Party{Names: []string{c.Contributor}})
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
	phase, names := fmt.Sprintf("phase %d", g.Phase), make([]string, len(g.Parties))
	for i, party := range g.Parties {
		names[i] = party.String()
	}
	if g.Imported {
		phase, names = "the imported "+phase, importedNames(g.Parties)
	}
	if len(names) == 1 {
		return fmt.Sprintf("%s can forge alone: nobody else contributed to %s.", names[0], phase)
	}
	return fmt.Sprintf("The %d contributors to %s could forge together: %s.", len(names), phase, strings.Join(names, ", "))
}

func importedNames(parties []Party) []string {
	names := make([]string, len(parties))
	for i, party := range parties {
		if names[i] = strconv.Quote(party.Names[0]); party.Names[0] == "" {
			names[i] = "one without a name"
		}
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
	var unsigned, unlisted []string
	value := "" // of the beacon before
	for _, c := range r.Contributions {
		switch {
		case c.Beacon:
			words = append(words, fmt.Sprintf("Compare the beacon of phase %d with its source, %q: %s. A beacon that somebody chose is none.", c.Phase, c.Contributor, c.Value))
			if c.Value == value {
				words = append(words, "One value closed both phases: it was known while phase 2 went on, and so is no beacon of that.")
			}
			value = c.Value
		case c.Key == "":
			unsigned = append(unsigned, fmt.Sprintf("%s by %q", c.File, c.Contributor))
		case c.Signer == "":
			unlisted = append(unlisted, fmt.Sprintf("%s by %q", c.File, c.Contributor))
		}
	}
	if len(unsigned) > 0 {
		words = append(words, fmt.Sprintf("Not signed: %s. These names are claims, and may all be one person; ask each for the digest that was published.", strings.Join(unsigned, ", ")))
	}
	if len(unlisted) > 0 {
		words = append(words, fmt.Sprintf("Signed, by keys that were compared with no list of signers: %s. These names are claims, and may all be one person with many keys; compare each key with the one that its owner published.", strings.Join(unlisted, ", ")))
	}
	return append(words, importedWords(r.Imported)...)
}

func importedWords(i *Imported) []string {
	if i == nil {
		return nil
	}
	if !i.Verified {
		return []string{fmt.Sprintf("Phase 1 was imported from %q, and its contributions do not verify: nobody knows who knows its secrets.", i.Source)}
	}
	compared := "was not at hand, and is not needed for that"
	if i.Compared {
		compared = "has these powers and contributions, as was checked here"
	}
	return []string{
		fmt.Sprintf("Phase 1 was imported from %q. Its contributions were verified here: whoever made one knew the secret that they added. The file with SHA-256 %v %s.",
			i.Source, i.File.SHA256, compared),
		"The names in the imported phase 1 are claims, and may all be one person. Compare the response of a contributor whom you trust with the one that they published: if it is the same, the contribution is theirs.",
	}
}
