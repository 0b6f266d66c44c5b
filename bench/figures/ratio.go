package figures

import "fmt"

// Ratio is the ratio of two measurements, by round, since a disturbance in a round affects
// both.
type Ratio struct{ Low, Median, High float64 }

// RatioOf returns the ratio of rounds, in which ours[i] and theirs[i] were measured; none if
// there are no rounds.
func RatioOf(ours, theirs []float64) (Ratio, bool) {
	if len(ours) == 0 || len(ours) != len(theirs) {
		return Ratio{}, false
	}
	by := make([]float64, len(ours))
	for i := range ours {
		by[i] = ours[i] / theirs[i]
	}
	median := Median(by) // sorts them
	return Ratio{by[0], median, by[len(by)-1]}, true
}

func (r Ratio) String() string {
	return fmt.Sprintf("%s (%s to %s)", Significant(r.Median), Significant(r.Low), Significant(r.High))
}

// Significant formats a number with two or three digits that say something.
func Significant(v float64) string {
	switch {
	case v >= 10:
		return fmt.Sprintf("%.0f", v)
	case v >= 1:
		return fmt.Sprintf("%.1f", v)
	case v >= 0.1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3f", v)
}
