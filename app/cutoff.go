package app

import "context"

// Imports are the imports of files that this device has begun.
type Imports interface {
	// CutOff is the last one if it was cut off; zero once it is under way again, undone or forgotten.
	CutOff(ctx context.Context) CutOff
	// ForgetCutOff has that one not be told of again.
	ForgetCutOff()
}

// CutOff is an import of a file that made some of its changes.
type CutOff struct {
	File     string
	Made, Of int
}

// tellCutOff tells of an import that was cut off, on all pages but the one that goes on with it and says
// so itself.
func (r *root) tellCutOff() {
	s := r.s
	if r.route.kind == importRoute {
		s.dismiss(s.cutOffToast)
		s.cutOffToast = 0
		return
	}
	var cut CutOff
	s.async(func(ctx context.Context) error {
		cut = s.Imports.CutOff(ctx)
		return nil
	}, func(error) {
		if cut.Made == cut.Of || s.cutOffToast != 0 || r.route.kind == importRoute {
			return
		}
		file := isolate(cut.File)
		s.showToast(toast{
			text: tr("The import of {0} ended early: {1} of {2} users were saved. Import the file again to go on.", file, formatCount(cut.Made), formatCount(cut.Of)),
			name: file, stays: true, action: tr("Continue"), onAction: func() { s.goTo("/import") }, onDismiss: s.Imports.ForgetCutOff,
		})
		s.cutOffToast = s.lastToast
	})
}
