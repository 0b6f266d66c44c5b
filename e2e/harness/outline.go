package harness

import (
	"context"
	"fmt"
	"strings"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/chromedp"
)

// told are the properties that a screen reader tells beside role, name and value.
var told = []accessibility.PropertyName{
	"level", "checked", "expanded", "pressed", "selected", "disabled", "required", "invalid", "modal", "focused", "live", "hasPopup",
}

// unspoken are roles without a meaning of their own: only what is inside them is told.
var unspoken = map[string]bool{
	"none": true, "generic": true, "RootWebArea": true, "InlineTextBox": true, "LineBreak": true, "LabelText": true, "ListMarker": true,
}

// Outline is what a screen reader has to tell of the page: a line for each role with its
// name, value and states, indented by what it is in.
func (p *Page) Outline() string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, Timeout)
	defer cancel()
	tree, err := chromedp.Call(ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil || len(tree.Nodes) == 0 {
		p.t.Fatalf("reading the accessibility tree: %v", err)
	}
	nodes := map[accessibility.NodeID]*accessibility.Node{}
	for _, n := range tree.Nodes {
		nodes[n.NodeID] = n
	}
	var b strings.Builder
	outline(&b, nodes, tree.Nodes[0], 0, "")
	return b.String()
}

// outline writes a node and those inside it. A text that is the name of what it is in is
// told once.
func outline(b *strings.Builder, nodes map[accessibility.NodeID]*accessibility.Node, n *accessibility.Node, depth int, within string) {
	role, name := text(n.Role), text(n.Name)
	if !n.Ignored && !unspoken[role] && (role != "StaticText" || name != within && strings.TrimSpace(name) != "") {
		fmt.Fprintf(b, "%s%s", strings.Repeat("  ", depth), strings.ToLower(role[:1])+role[1:])
		if name != "" {
			fmt.Fprintf(b, " %q", name)
		}
		if value := text(n.Value); value != "" {
			fmt.Fprintf(b, " = %q", value)
		}
		b.WriteString(states(n) + "\n")
		depth, within = depth+1, name
	}
	for _, id := range n.ChildIDs {
		if child := nodes[id]; child != nil {
			outline(b, nodes, child, depth, within)
		}
	}
}

func states(n *accessibility.Node) string {
	var b strings.Builder
	for _, name := range told {
		for _, property := range n.Properties {
			if value := text(property.Value); property.Name == name && value != "" && value != "false" && value != "off" {
				fmt.Fprintf(&b, " (%s %s)", name, value)
			}
		}
	}
	if d := text(n.Description); d != "" {
		fmt.Fprintf(&b, " described by %q", d)
	}
	return strings.ReplaceAll(b.String(), " true)", ")")
}

func text(v *accessibility.Value) string {
	if v == nil {
		return ""
	}
	return strings.Trim(string(v.Value), `"`)
}
