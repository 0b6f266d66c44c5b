package api

import (
	"encoding/json"
	"strings"
)

// UserIndex returns a document's sort key (the folded name) and its searchable text (name and
// email in lower case). It is total: an invalid document sorts first and matches no search.
func UserIndex(document json.RawMessage) (sort, search string) {
	var u struct {
		Name  string `json:"name"`
		Email string `json:"email"`
	}
	if json.Unmarshal(document, &u) != nil {
		return "", ""
	}
	name := strings.ToLower(strings.TrimSpace(u.Name))
	return fold.Replace(name), name + "\n" + strings.ToLower(u.Email)
}

// fold sorts letters with marks beside those without, as readers expect: "Émile" next to
// "Emil". It covers Latin-1 and related letters; other scripts sort by code point.
var fold = strings.NewReplacer(
	"à", "a", "á", "a", "â", "a", "ã", "a", "ä", "a", "å", "a", "ā", "a", "ą", "a", "æ", "ae",
	"ç", "c", "ć", "c", "č", "c", "ď", "d", "đ", "d", "ð", "d",
	"è", "e", "é", "e", "ê", "e", "ë", "e", "ē", "e", "ę", "e", "ě", "e", "ğ", "g",
	"ì", "i", "í", "i", "î", "i", "ï", "i", "ī", "i", "ı", "i", "ł", "l",
	"ñ", "n", "ń", "n", "ň", "n", "ò", "o", "ó", "o", "ô", "o", "õ", "o", "ö", "o", "ø", "o", "ő", "o", "œ", "oe",
	"ř", "r", "ś", "s", "š", "s", "ş", "s", "ß", "ss", "ť", "t",
	"ù", "u", "ú", "u", "û", "u", "ü", "u", "ū", "u", "ů", "u", "ű", "u", "ý", "y", "ÿ", "y",
	"ź", "z", "ż", "z", "ž", "z", "þ", "th",
)
