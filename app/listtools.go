package app

import (
	"context"
	"html"
	"unicode"
	"unicode/utf8"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
)

// Ids of the list's choices.
const (
	sortID    = "list-sort"
	stateID   = "list-state"
	changedID = "list-changed"
	jumpID    = "list-jump"
)

// option is a choice of a select.
type option struct{ value, text string }

// selection is a select with a name that only assistive technology sees: what is chosen says it.
func selection(id, name, chosen string, options []option, on ui.EventHandler) ui.UI {
	all := make([]ui.UI, len(options))
	for i, o := range options {
		all[i] = ui.Option().Value(o.value).Selected(o.value == chosen).Text(o.text)
	}
	class := "chip"
	if chosen != "" {
		class = "chip chip-on"
	}
	return ui.Select().ID(id).Class(class).Aria("label", name).OnChange(on).Body(all...)
}

// renderTools are the list's order and its filters.
func (p *usersPage) renderTools() ui.UI {
	if !p.loaded || p.total == 0 && !p.view.filtered() && !p.listed.filtered() {
		return ui.Elem("template")
	}
	return ui.Div().Class("list-tools").Body(
		selection(sortID, tr("Sort by"), p.view.sort, []option{
			{"", tr("By name")}, {sortNameDown, tr("By name, Z to A")}, {sortEmail, tr("By email")}, {sortEmailDown, tr("By email, Z to A")},
			{sortChangedDown, tr("Newest changes first")}, {sortChanged, tr("Oldest changes first")},
		}, p.arranged),
		ui.Button().ID("select-users").Type("button").Class("chip").Aria("pressed", p.chosen.on).Text(tr("Select")).OnClick(p.startChoosing),
		selection(stateID, tr("State"), string(p.view.state), []option{
			{"", tr("Any state")}, {string(queue.Pending), tr("Pending")}, {string(queue.NeedsAttention), tr("Needs attention")}, {string(queue.InConflict), tr("Conflict")},
		}, p.arranged),
		selection(changedID, tr("Changed"), p.view.changed, []option{
			{"", tr("Any time")}, {changedToday, tr("Changed today")}, {changedWeek, tr("Changed this week")},
		}, p.arranged),
		p.renderJump(),
	)
}

// arranged follows the choices. Each is an entry of the browser's history.
func (p *usersPage) arranged(ctx ui.Context, _ ui.Event) {
	v := p.view
	for id, set := range map[string]func(string){
		sortID: func(s string) { v.sort = s }, stateID: func(s string) { v.state = queue.RowState(s) }, changedID: func(s string) { v.changed = s },
	} {
		if value, ok := p.S.Elements.Value(id); ok {
			set(value)
		}
	}
	if v == p.view {
		return
	}
	p.stopped(ctx) // what was typed is of the entry before
	p.S.goTo(v.address())
}

// showChoices has the selects show what the address says: once somebody has used one, the browser
// does not follow what is rendered.
func (p *usersPage) showChoices() {
	p.ctx.Defer(func(ui.Context) {
		p.S.Elements.SetValue(searchID, p.view.search)
		p.S.Elements.SetValue(sortID, p.view.sort)
		p.S.Elements.SetValue(stateID, string(p.view.state))
		p.S.Elements.SetValue(changedID, p.view.changed)
	})
}

const (
	// maxLetters bounds how many places a list can be opened at: of more, some are left out.
	maxLetters = 60
	// maxLetterReads bounds how many are looked for.
	maxLetterReads = 300
)

// kana are the first letters of their rows, by which Japanese indexes go.
const kana = "あかさたなはまやらわアカサタナハマヤラワ"

// letterOf is the letter of an index under which names are that begin with r, and the next rune that may
// be under another. Scripts with thousands of letters are in groups: kana by their rows, Hangul by the
// consonant that a syllable begins with, and ideographs by where they are in Unicode, as the list has them.
func letterOf(r rune) (letter, next rune) {
	switch {
	case r >= 'あ' && r <= 'ヾ':
		letter = 'あ'
		for _, head := range kana {
			if head > r {
				return letter, head
			}
			letter = head
		}
		return letter, 'ヾ' + 1
	case r >= '가' && r <= '힣':
		letter = r - (r-'가')%588
		return letter, letter + 588
	case r >= 0x3400 && r <= 0x9FFF:
		return r, r - r%512 + 512
	}
	return r, r + 1
}

// learnLetters finds out what the names begin with. Each letter costs a read, and few lists have more
// than their alphabet's.
func (p *usersPage) learnLetters(ctx ui.Context) {
	switch {
	case p.view != (listView{}) || p.total <= windowRows:
		p.letters, p.lettersOf = nil, 0
		return
	case p.total == p.lettersOf || p.knowledge() != knownEmpty:
		return
	}
	total := p.total
	p.lettersOf = total
	var found []string
	p.S.async(func(ctx context.Context) (err error) {
		found, err = firstLetters(ctx, p.S.Users)
		return err
	}, func(err error) {
		if err == nil && p.lettersOf == total {
			p.letters = found
			ctx.Dispatch(func(ui.Context) {})
		}
	})
}

// firstLetters are those of the folded names, in the order of the list.
func firstLetters(ctx context.Context, users Users) (letters []string, err error) {
	next := " "
	for reads := 0; ; reads++ {
		page, err := users.List(ctx, repository.Query{From: queue.Key{Sort: next}, Limit: 1})
		switch {
		case err != nil:
			return nil, err
		case len(page.Keys) == 0 || reads == maxLetterReads:
			return thinned(letters), nil
		}
		r, _ := utf8.DecodeRuneInString(page.Keys[0].Sort)
		letter, behind := letterOf(r)
		if next = string(behind); unicode.IsLetter(r) || unicode.IsDigit(r) {
			letters = append(letters, string(letter))
		}
	}
}

// thinned leaves out as many letters as are too many, evenly.
func thinned(letters []string) []string {
	n := len(letters)
	if n <= maxLetters {
		return letters
	}
	for i := range maxLetters {
		letters[i] = letters[i*n/maxLetters]
	}
	return letters[:maxLetters]
}

// jump goes to the first name with a letter.
func (p *usersPage) jump(ui.Context, ui.Event) {
	letter, _ := p.S.Elements.Value(jumpID)
	if letter == "" {
		return
	}
	p.S.Elements.SetValue(jumpID, "")
	p.seek, p.anchors = &listPlace{key: queue.Key{Sort: letter}, jump: true}, nil
	p.read()
}

func letterName(letter string) string {
	r, _ := utf8.DecodeRuneInString(letter)
	return string(unicode.ToUpper(r))
}

func (p *usersPage) renderJump() ui.UI {
	return orNothing(len(p.letters) > 1, func() ui.UI {
		options := []option{{"", tr("Jump to…")}}
		for _, l := range p.letters {
			options = append(options, option{l, letterName(l)})
		}
		return selection(jumpID, tr("Jump to a letter"), "", options, p.jump)
	})
}

// renderLetters is the index at the side, for fingers and mice: elements.js has it do what the select
// does, which all others use.
func (p *usersPage) renderLetters() ui.UI {
	return orNothing(len(p.letters) > 1, func() ui.UI {
		text := `<div class="letters notranslate" aria-hidden="true" data-for="` + jumpID + `">`
		for _, l := range p.letters {
			text += `<span data-letter="` + html.EscapeString(l) + `">` + html.EscapeString(letterName(l)) + `</span>`
		}
		return ui.Raw(text + `</div>`)
	})
}
