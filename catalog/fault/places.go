package fault

// Places collects the faults of one request, so that its sender learns all of them at once.
type Places []Place

// Add notes one fault.
func (p *Places) Add(location, code string) {
	*p = append(*p, Place{Location: location, Code: code})
}

// Require notes a fault unless ok holds.
func (p *Places) Require(ok bool, location, code string) {
	if !ok {
		p.Add(location, code)
	}
}

// Err returns nil when nothing was noted, else an Invalid error with every place.
func (p Places) Err(code string) error {
	if len(p) == 0 {
		return nil
	}
	return Bad(code, p...)
}
