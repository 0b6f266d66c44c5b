package api

import "strings"

// What can be wrong with a field is a sentence about it in English. {0} is the field, which a FieldError has
// apart, {1} and {2} are what was found. So whoever shows one can say it in another language.
const (
	IsRequired        = "{0} is required"
	IsTaken           = "{0} is taken: another user has it"
	IsShortPassword   = "{0} must have at least {1} characters; a few words make a good one"
	IsLongPassword    = "{0} must have at most {1} characters"
	IsNoLoginName     = "{0} must be letters from a to z, digits and . _ @ + -, as in ann or ann@example.org"
	IsGuessedPassword = "{0} is easily guessed; take a few words that say nothing about you"

	isLong         = "{0} is {1} characters long; at most {2} are allowed"
	isLongEmail    = "{0} is {1} bytes long; at most {2} are allowed"
	isNoText       = "{0} is not valid UTF-8 text"
	isNoEmail      = "{0} is not an email address; it should look like name@example.org"
	showsNoName    = "{0} shows nothing; type a name that can be read"
	hasControl     = "{0} has a control character; remove it"
	hasUnseen      = "{0} has a character that nobody sees; type it again"
	hasLookalike   = "{0} has a letter that only looks like a plain one; type it again"
	hasForeignSign = "{0} has the sign {1}, which no address has; type it again"
	hasLongLabel   = "{0} has a domain with a part of over 63 characters"
	hasNoLabel     = "{0} has a domain with the part {1}, which is not one"
)

var sentences = [...]string{
	IsRequired, IsTaken, IsShortPassword, IsLongPassword, IsGuessedPassword,
	isLong, isLongEmail, isNoText, isNoEmail, showsNoName, hasControl, hasUnseen, hasLookalike, hasForeignSign, hasLongLabel, hasNoLabel,
}

// Wrong says what is wrong with a field, by one of the sentences.
func Wrong(field, sentence string, found ...string) FieldError {
	return FieldError{Field: field, Detail: detail(sentence, found...)}
}

// detail is a sentence without its field, with what was found.
func detail(sentence string, found ...string) string {
	sentence = behindField(sentence)
	for i, text := range found {
		sentence = strings.Replace(sentence, "{"+string(rune('1'+i))+"}", text, 1)
	}
	return sentence
}

func behindField(sentence string) string { return sentence[len("{0} "):] }

// Sentence returns the sentence that a detail was made of, and what was found: a server's answer has
// only the detail. One that is not known is a sentence without places.
func (e FieldError) Sentence() (sentence string, found []string) {
	for _, sentence := range sentences {
		if found, ok := placesIn(e.Detail, behindField(sentence)); ok {
			return sentence, found
		}
	}
	return "{0} " + e.Detail, nil
}

// placesIn returns what a text has in the places {1} and {2} of a pattern, in this order, if it is of that
// pattern.
func placesIn(text, pattern string) (places []string, ok bool) {
	before, pattern, more := strings.Cut(pattern, "{")
	for text, ok = strings.CutPrefix(text, before); ok && more; text, ok = strings.CutPrefix(text, before) {
		before, pattern, more = strings.Cut(pattern[len("1}"):], "{")
		end := strings.Index(text, before)
		if end < 0 {
			return nil, false
		}
		places, text = append(places, text[:end]), text[end:]
	}
	return places, ok && text == ""
}
