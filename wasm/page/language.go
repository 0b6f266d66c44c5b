//go:build js && wasm

package page

import (
	"strings"

	"github.com/rollcall/rollcall/wasm/browser"
)

var language = browser.NewLanguage()

// tr is a text in the person's language, with an argument in the place {0}.
func tr(english string, arg ...string) string {
	text := language.Text(english)
	if len(arg) > 0 {
		text = strings.Replace(text, "{0}", arg[0], 1)
	}
	return text
}
