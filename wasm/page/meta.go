//go:build js && wasm

package page

// Meta values of the page.
const (
	// metaProbe is written to find out whether the storage works again.
	metaProbe = "probe"
	// metaAsked is set once the browser was asked not to evict the data.
	metaAsked = "persistAsked"
	// metaBackground is "off" if the person does not want syncs while no tab is open.
	metaBackground = "background"
)
