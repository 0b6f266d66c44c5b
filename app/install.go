package app

import (
	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
)

// Installation is the app on the person's device, outside the page. go-app's OnAppInstallChange
// notifies when Way changes.
type Installation interface {
	// Way is how this browser would install the app.
	Way() InstallWay
	// Wanted reports whether the person has saved something on this device, which Saved
	// remembers, and not declined to install, which Decline remembers.
	Wanted() bool
	Saved()
	Decline()
	// Badge shows a number on the app's icon, none for 0.
	Badge(n int)
}

// InstallWay is how a browser installs the app.
type InstallWay string

// The ways.
const (
	NoInstall InstallWay = ""       // it can't, or has done it
	ByPrompt  InstallWay = "prompt" // it asks the person once the app has it do so
	ByShare   InstallWay = "share"  // the person does it in the menu "Share", as on iOS
)

// savedHere offers to install the app once the person has something on this device.
func (s *session) savedHere() {
	s.Installation.Saved()
	s.offerInstall()
}

// offerInstall offers to install the app until the person does so or declines.
func (s *session) offerInstall() {
	if s.Installation.Way() == NoInstall || !s.Installation.Wanted() || s.installOffered {
		return
	}
	s.installOffered = true
	action, act := s.installAction()
	s.showToast(toast{text: s.installText(), stays: true, action: action, onAction: act, onDismiss: s.Installation.Decline})
}

func (s *session) installText() string {
	if s.Installation.Way() == ByShare {
		return tr("To install Rollcall, sync first: the installed app begins without the data of this page, and loads what the server has. Then press Share and “Add to Home Screen”.")
	}
	return tr("Installed, Rollcall opens like any other app, and the browser keeps its data longer.")
}

func (s *session) installAction() (text string, act func()) {
	if s.Installation.Way() == ByShare {
		return tr("Sync now"), s.syncNow
	}
	return tr("Install app"), func() { s.ctx.ShowAppInstallPrompt() }
}

// renderInstall offers the same on the page "Sync", whatever the person has declined.
func (p *syncPage) renderInstall() []ui.UI {
	if p.S.Installation.Way() == NoInstall {
		return nil
	}
	text, act := p.S.installAction()
	return []ui.UI{
		quiet(p.S.installText()),
		ui.P().Body(button("button", "install", text).OnClick(func(ui.Context, ui.Event) { act() }, text)),
	}
}
