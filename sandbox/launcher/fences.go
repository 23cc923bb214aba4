package launcher

// rememberedFences bounds how many works are remembered. A late call of a work forgotten here is still
// refused by the record, whose lease it no longer holds.
const rememberedFences = 1 << 16

// fences remembers the highest fence of each work.
type fences struct {
	highest map[string]int64
	order   []string // oldest first
}

func newFences() fences { return fences{highest: map[string]int64{}} }

// admit tells whether no newer fence of the work is known, and remembers this one.
func (f *fences) admit(work string, fence int64) bool {
	known, seen := f.highest[work]
	if fence < known {
		return false
	}
	f.highest[work] = fence
	if !seen {
		f.order = append(f.order, work)
	}
	if len(f.order) > rememberedFences {
		delete(f.highest, f.order[0])
		f.order = f.order[1:]
	}
	return true
}
