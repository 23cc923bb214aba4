package console

// Acts lists the paths of all forms, for tests that walk them.
func Acts() []string {
	all := []string{"/uploads"}
	for _, a := range acts() {
		all = append(all, a.path)
	}
	return all
}

// Pages lists the paths of all pages.
func Pages() []string {
	var all []string
	for _, p := range pages() {
		all = append(all, p.path)
	}
	return all
}
