package app

// leaveDisabled removes a disabled account's data from this device, on the server's word: at once if all
// is on the server, else once the person has said what becomes of the rest. A form that is open is
// theirs to close first.
func (s *session) leaveDisabled() {
	switch {
	case s.leaving, s.form != nil:
	case s.unsent() == 0:
		s.wipe()
	case !s.toldDisabled:
		s.askDisabled()
	}
}

// askDisabled asks what becomes of what was not sent. It stays until there is an answer.
func (s *session) askDisabled() {
	s.toldDisabled = true
	s.askFirst(confirmRequest{
		heading: "This account is disabled",
		text: "An admin has disabled it, so " + plural(s.unsent(), "change") + " made here can't be sent. " +
			"Somebody who may write can take them in from a file, on the page Sync. Then everything of this account is removed from this device.",
		yes: "Save to a file and remove", act: func() {
			s.saveThen("Nothing was removed: the changes were not saved to a file. ", s.wipe)
		},
		others: []choice{{"Discard and remove", s.wipe}},
		opener: disabledID,
	})
}

const disabledID = "disabled"

// wipe ends what is left of the session, if the server can be asked, and removes the account's data.
func (s *session) wipe() {
	s.leaving = true
	s.async(s.Accounts.SignOut, func(error) { s.Accounts.Leave(Disabled) })
}
