"""The rules that decide what a case does next; `domain.decide` puts them in order."""
