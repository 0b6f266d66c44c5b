package app

// Dialogs are the page's <dialog> elements, by their ids.
type Dialogs interface {
	ShowModal(id string)
	CloseModal(id string)
	ModalOpen(id string) bool
}

// ask opens the dialog that asks for an explicit yes.
func (s *session) ask(c confirmRequest) {
	s.asked++
	c.number = s.asked
	s.confirm = &c
	s.changed()
}

// edit opens the form.
func (s *session) edit(f formRequest) {
	s.asked++
	f.number = s.asked
	s.form = &f
	s.changed()
}

// formAsked is the number of the request the form is open for, 0 for none.
func (s *session) formAsked() int {
	if s.form == nil {
		return 0
	}
	return s.form.number
}

// confirmAsked is formAsked for the other dialog.
func (s *session) confirmAsked() int {
	if s.confirm == nil {
		return 0
	}
	return s.confirm.number
}
