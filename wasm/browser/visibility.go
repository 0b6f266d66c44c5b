//go:build js && wasm

package browser

import "syscall/js"

// Online is navigator.onLine: false is certain, true is a hint.
func Online() bool { return global.Get("navigator").Get("onLine").Bool() }

// OnOnline calls f for each online and offline event. Only windows receive them.
func OnOnline(f func(online bool)) (stop func()) {
	return stopAll(
		Listen(global, "online", func(js.Value) { f(true) }),
		Listen(global, "offline", func(js.Value) { f(false) }))
}

// OnVisible calls f when the page becomes visible: the person switched to it, or it was
// restored from the back/forward cache or resumed after a freeze.
func OnVisible(f func()) (stop func()) {
	document := global.Get("document")
	return stopAll(
		Listen(document, "visibilitychange", func(js.Value) {
			if document.Get("visibilityState").String() == "visible" {
				f()
			}
		}),
		Listen(global, "pageshow", ifPersisted(f)),
		Listen(document, "resume", func(js.Value) { f() }))
}

// OnBackForwardCache calls entered when the page is left and the browser may keep it in
// its back/forward cache, and restored when the page is shown again from there. In
// between nothing runs in the page, and nobody else gets a lock that it holds.
func OnBackForwardCache(entered, restored func()) (stop func()) {
	return stopAll(
		Listen(global, "pagehide", ifPersisted(entered)),
		Listen(global, "pageshow", ifPersisted(restored)))
}

// OnFreeze calls frozen when the browser is about to suspend the page and its workers,
// and resumed when they run again. In between nobody else gets a lock or a transaction
// that the page holds. Only Chromium has these events.
func OnFreeze(frozen, resumed func()) (stop func()) {
	document := global.Get("document")
	return stopAll(
		Listen(document, "freeze", func(js.Value) { frozen() }),
		Listen(document, "resume", func(js.Value) { resumed() }))
}

// ifPersisted calls f for the page transitions into and out of the back/forward cache.
func ifPersisted(f func()) func(js.Value) {
	return func(e js.Value) {
		if e.Get("persisted").Bool() {
			f()
		}
	}
}

func stopAll(stops ...func()) func() {
	return func() {
		for _, stop := range stops {
			stop()
		}
	}
}

// OnHidden calls f when the page is hidden or left. Nothing of it may run any more
// afterwards.
func OnHidden(f func()) (stop func()) {
	document := global.Get("document")
	return stopAll(
		Listen(document, "visibilitychange", func(js.Value) {
			if document.Get("visibilityState").String() == "hidden" {
				f()
			}
		}),
		Listen(global, "pagehide", func(js.Value) { f() }))
}
