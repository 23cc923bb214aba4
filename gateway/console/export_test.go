package console

// Acts lists the paths of all forms, for tests that walk them.
func Acts() []string {
	all := []string{"/uploads"}
	for _, a := range acts() {
		all = append(all, a.path)
	}
	return all
}
