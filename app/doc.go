// Package app is the user interface: the pages, the dialogs and the list of users, as
// go-app components. Each file declares the small interface that it needs of the
// repository or the browser; Dependencies lists them all.
//
// One root component serves every route, so that the header, the status region and
// the toasts stay in the document while the page below them changes. Components share
// a session, which only the UI goroutine touches. Work that waits runs through
// session.async or a refresher, and comes back as a dispatch.
//
// go-app diffs children by position and compares handlers by code pointer. So a list
// renders its records through keyed, which keeps an element for each; every handler for
// one user, operation or conflict passes its id as scope; and no row keeps state of its
// own. What arrives from elsewhere waits while a finger is down, see Presses. Inputs are
// not controlled: the page mirrors what is typed, sets a text through Elements.SetValue,
// and reads it through Elements.Value before it saves.
package app
