// Package app is what a person sees: the pages, the dialogs and the list of
// users, as go-app components over the small interfaces of directory.go.
//
// One root component serves every route, so that the header, the status region
// and the toasts stay in the document while the page below them changes. What
// the components share lives in a session, which only the UI goroutine touches:
// work that waits runs through session.write or a refresher, and comes back as a
// dispatch.
//
// go-app diffs children by position and compares handlers by code pointer. So
// every handler that is about one user, operation or conflict passes its id as
// scope, and no row keeps state of its own. Inputs are not controlled: the page
// mirrors what is typed and sets a text through Elements.SetValue.
package app
