package replica

// WriteLine writes a line of texts.
func WriteLine(texts ...string) string {
	var w writer
	w.start('z')
	for _, s := range texts {
		w.string(s)
	}
	w.end()
	return string(w.text)
}

// ReadLine reads one.
func ReadLine(line string) (texts []string) {
	lines(line, false, func(_ byte, f fields) {
		for f.more() {
			texts = append(texts, f.string())
		}
	}, nil)
	return texts
}

// HarmlessKinds is harmlessKinds.
const HarmlessKinds = harmlessKinds
