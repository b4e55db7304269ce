"""Servers that answer as SendGrid, Twilio and a CRA do: same addresses, bodies, errors and look-ups, over real HTTP.

Everything accepted is on disk before it is answered, so what the sandbox says it has stays true however it is stopped.
"""
