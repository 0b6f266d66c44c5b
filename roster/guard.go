package roster

import "strings"

// Spreadsheets take a cell that begins so for a formula, and run it: a user could
// write one into a bio for whoever opens the export. An apostrophe before it makes
// it text. It is put before, and in our own export taken from, whatever begins with
// any number of apostrophes and then one of these, so that an export is imported as it
// was. In a file of others an apostrophe is the person's own.
const formula = "=+-@\t\r\n＝＋－＠"

func isFormula(value string) bool {
	rest := strings.TrimLeft(value, "'")
	for _, r := range rest {
		return strings.ContainsRune(formula, r)
	}
	return false
}

func guard(value string) string {
	if isFormula(value) {
		return "'" + value
	}
	return value
}

func unguard(value string) string {
	if strings.HasPrefix(value, "'") && isFormula(value) {
		return value[1:]
	}
	return value
}
