package harness

// beyond finds what sticks out of the window's sides: elements, and texts that are wider than
// theirs. The page's own width tells nothing, as what is too wide for it is cut off. What is in
// something that scrolls sideways, or ends with an ellipsis, can be read all the same.
const beyond = `(() => {
	const width = document.documentElement.clientWidth;
	const styles = (e) => getComputedStyle(e);
	const within = (e) => {
		for (; e && e !== document.body; e = e.parentElement) {
			const s = styles(e), scrolls = ["auto", "scroll"].includes(s.overflowX) && e.scrollWidth > e.clientWidth;
			if (scrolls || s.textOverflow === "ellipsis" || s.overflowX !== "visible" && e.clientWidth <= 1) return true;
		}
		return false;
	};
	const wrong = new Map();
	const look = (e, r, around, what) => {
		const out = Math.round(Math.max(r.right - width, -r.left));
		if (out < 1 || r.width < 1 || r.height < 1 || within(around)) return;
		for (const [other] of wrong) if (other !== e && other.contains(e)) wrong.delete(other);
		wrong.set(e, out + " pixels beyond the window of " + width + ": " + what.trim().slice(0, 80));
	};
	const visible = (e) => e.checkVisibility({visibilityProperty: true, opacityProperty: true}) && !e.closest("svg *");
	for (const e of document.body.querySelectorAll("*")) {
		if (visible(e)) look(e, e.getBoundingClientRect(), e.parentElement, e.outerHTML);
	}
	const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let node; (node = texts.nextNode()); ) {
		if (!node.data.trim() || !visible(node.parentElement)) continue;
		const range = document.createRange();
		range.selectNodeContents(node);
		look(node.parentElement, range.getBoundingClientRect(), node.parentElement, node.data);
	}
	return [...wrong.values()];
})()`

// Beyond tells what sticks out of the window's sides, the innermost of it.
func (p *Page) Beyond() []string {
	p.t.Helper()
	return Eval[[]string](p, beyond)
}
