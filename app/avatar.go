package app

import (
	"html"
	"strconv"
	"strings"
	"unicode"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
)

// avatar is a disc with the initials. Its colour depends on the id.
func avatar(id, name, class string) ui.UI { return ui.Raw(avatarHTML(id, name, class)) }

func avatarHTML(id, name, class string) string {
	return `<span class="` + class + ` hue-` + strconv.Itoa(hue(id)) + ` notranslate" translate="no" aria-hidden="true">` +
		html.EscapeString(initials(name)) + `</span>`
}

// initials are the first letters or digits of a name's first and last words.
func initials(name string) string {
	var letters []rune
	for _, word := range strings.Fields(name) {
		for _, r := range word {
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				letters = append(letters, unicode.ToUpper(r))
				break
			}
		}
	}
	switch len(letters) {
	case 0:
		return "?"
	case 1:
		return string(letters)
	}
	return string([]rune{letters[0], letters[len(letters)-1]})
}

// hues is the number of avatar colours in the style sheet.
const hues = 8

// hue is the avatar colour of an id: its FNV-1a hash.
func hue(id string) int {
	h := uint32(2166136261)
	for i := range len(id) {
		h = (h ^ uint32(id[i])) * 16777619
	}
	return int(h % hues)
}
