package replica

// Sealed returns a stored line with its sum.
func Sealed(line string) string {
	var w writer
	w.copy(line)
	return string(w.text)
}
