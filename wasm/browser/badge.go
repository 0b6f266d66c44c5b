//go:build js && wasm

package browser

// Badge shows a number on the icon of the installed app, none for 0, where the browser can. Of
// an app that is not installed, it shows nothing.
func Badge(n int) {
	navigator := global.Get("navigator")
	if !navigator.Get("setAppBadge").Truthy() {
		return
	}
	call, number := "clearAppBadge", []any{}
	if n > 0 {
		call, number = "setAppBadge", []any{n}
	}
	// Nobody waits for it, and a browser that refuses shows as little.
	navigator.Call(call, number...).Call("catch", global.Get("Boolean"))
}
