"""How invoices and payments get in: files are read, checked whole, compared with what is known, and written at once.

`portfolio` (plan, apply), `payments` and `release` are what others call.
"""
