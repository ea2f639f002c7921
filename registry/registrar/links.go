package registrar

import "math"

// links tells which delegate belongs to which device. An entry takes 8 bytes, and
// there are entries only in chunks of indexes where there are delegates: a
// registry without any pays nothing.
type links struct {
	chunks   [][]link
	count    int
	earliest int64 // no delegation ends before, Unix seconds
}

// link is what an index has to do with a delegation.
type link struct {
	// partner is the XOR of the device's and the delegate's indexes, and 0 where
	// there is no delegation: no index is its own partner.
	partner uint32
	// minute is, of a delegate, the first whole minute since 1970 after the end of
	// the delegation, so at least 1; the journal knows the second. It is 0 of a
	// device.
	minute uint32
}

const linksChunk = 4096

func (l *links) at(index uint64) link {
	chunk := index / linksChunk
	if chunk >= uint64(len(l.chunks)) || l.chunks[chunk] == nil {
		return link{}
	}
	return l.chunks[chunk][index%linksChunk]
}

func (l *links) set(index uint64, entry link) {
	chunk := index / linksChunk
	for chunk >= uint64(len(l.chunks)) {
		l.chunks = append(l.chunks, nil)
	}
	if l.chunks[chunk] == nil {
		l.chunks[chunk] = make([]link, linksChunk)
	}
	l.chunks[chunk][index%linksChunk] = entry
}

// partner returns the delegate of the device at an index, or the device of the
// delegate there.
func (l *links) partner(index uint64) (uint64, bool) {
	entry := l.at(index)
	return index ^ uint64(entry.partner), entry.partner != 0
}

// delegateOf returns the live delegate of the device at an index.
func (l *links) delegateOf(index uint64) (uint64, bool) {
	entry := l.at(index)
	return index ^ uint64(entry.partner), entry.partner != 0 && entry.minute == 0
}

// join notes a delegation that ends at a time, in Unix seconds.
func (l *links) join(device, delegate uint64, until int64) {
	between := uint32(device ^ delegate)
	l.set(device, link{partner: between})
	l.set(delegate, link{partner: between, minute: uint32(until/60) + 1})
	if l.count++; l.count == 1 {
		l.earliest = until
	}
	l.earliest = min(l.earliest, until)
}

// part ends the delegation of the device or the delegate at an index, if there is
// one.
func (l *links) part(index uint64) {
	partner, linked := l.partner(index)
	if !linked {
		return
	}
	l.set(index, link{})
	l.set(partner, link{})
	l.count--
}

// ended returns the indexes of delegates whose delegation ends at a time, in Unix
// seconds, or before, and perhaps some that end within the minute after. Where
// some may have ended it looks at every entry, a few milliseconds for a million.
func (l *links) ended(now int64) (delegates []uint64) {
	if l.count == 0 || now < l.earliest {
		return nil
	}
	l.earliest = math.MaxInt64
	for i, chunk := range l.chunks {
		for j, entry := range chunk {
			if entry.minute == 0 {
				continue
			}
			begins := 60 * int64(entry.minute-1) // the minute in which it ends
			if begins <= now {
				delegates = append(delegates, uint64(i)*linksChunk+uint64(j))
			}
			l.earliest = min(l.earliest, begins)
		}
	}
	return delegates
}
