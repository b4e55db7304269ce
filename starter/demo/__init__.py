"""`regua demo`: three creditors' portfolios live their whole lives on the real stack, on a scaled clock.

Who does what after which sign, and how each story must end, stands in `sandbox.debtors`. Here, `house` is the stack and
the clock, `opening` brings staff, creditors and portfolios in (`templates`: with WhatsApp), `watch` reads books and
messages, `hands` types commands, `debtors` write and pay, `play` waits for signs and acts, `screen` shows it, `verify`
says what did not go as scripted, `report` tells it, and `run` is all of it from beginning to end.
"""
