package facts

// Priority returns "high", "normal" or "low". The first field that says high
// or low decides; where none does it is "normal". It reads X-Priority,
// Importance, Priority and X-MSMail-Priority.
//
// X-Priority counts from 1, the highest, to 5; Importance and Priority are of
// RFC 2156.
func (h *Header) Priority() string {
	for _, name := range []string{"X-Priority", "Importance", "Priority", "X-MSMail-Priority"} {
		for _, v := range h.raw(name) {
			if p := priority(keyword(v)); p != "normal" {
				return p
			}
		}
	}
	return "normal"
}

func priority(word string) string {
	switch word {
	case "1", "2", "highest", "high", "urgent":
		return "high"
	case "4", "5", "lowest", "low", "non-urgent":
		return "low"
	default:
		return "normal"
	}
}
