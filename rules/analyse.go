package rules

func (b *builder) analyse() {}
