package harness

import "github.com/chromedp/chromedp/kb"

// webDriverKeys are WebDriver's names of keys.
var webDriverKeys = map[string]string{
	kb.Backspace: "\uE003", kb.Tab: "\uE004", kb.Enter: "\uE007", kb.Escape: "\uE00C", " ": " ",
	kb.End: "\uE010", kb.Home: "\uE011", kb.ArrowLeft: "\uE012", kb.ArrowUp: "\uE013", kb.ArrowRight: "\uE014", kb.ArrowDown: "\uE015",
	kb.Delete: "\uE017",
}

func webDriverKey(key string) string {
	if named, ok := webDriverKeys[key]; ok {
		return named
	}
	return key
}

// chordActions are WebDriver's actions that press a key while modifiers are held down.
func chordActions(key string, modifiers int64) []any {
	held := ""
	for modifier, name := range map[int64]string{Shift: "\uE008", Ctrl: "\uE009"} {
		if modifiers&modifier != 0 {
			held += name
		}
	}
	actions := []any{}
	for _, r := range held + key {
		actions = append(actions, map[string]any{"type": "keyDown", "value": string(r)})
	}
	for _, r := range key + held {
		actions = append(actions, map[string]any{"type": "keyUp", "value": string(r)})
	}
	return []any{map[string]any{"type": "key", "id": "keyboard", "actions": actions}}
}

// keyActions are WebDriver's actions that type a text.
func keyActions(text string) []any {
	keys := []any{}
	for _, r := range text {
		keys = append(keys, map[string]any{"type": "keyDown", "value": string(r)}, map[string]any{"type": "keyUp", "value": string(r)})
	}
	return []any{map[string]any{"type": "key", "id": "keyboard", "actions": keys}}
}
