package app

import ui "github.com/maxence-charriere/go-app/v9/pkg/app"

// languageChoice offers the languages, each by its own name. English words beside it help only who
// reads English, so it has the icon of a globe, too.
func (s *session) languageChoice() ui.UI {
	const id = "language"
	var options []ui.UI
	for _, l := range language.Offered() {
		options = append(options, ui.Option().Value(l[0]).Lang(l[0]).Selected(l[0] == language.Code()).Text(l[1]))
	}
	return ui.Div().Class("setting", "language").Body(
		ui.Label().For(id).Class("choice-title").Body(icon("globe"), ui.Span().Text(tr("Language"))),
		ui.Select().ID(id).Class("input").Attr("translate", "no").Body(options...).OnChange(s.chooseLanguage),
	)
}

func (s *session) chooseLanguage(ctx ui.Context, _ ui.Event) {
	s.Unsaved.GuardLeaving(false)
	if !language.Choose(ctx.JSSrc().Get("value").String()) {
		s.guardLeaving()
		s.showFailure(tr("This browser does not keep which language you have chosen."))
	}
}
