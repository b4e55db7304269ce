"""Wording (one file per text, a block per channel) and layouts (one file per channel and format) of messages."""

from pathlib import Path

DIRECTORY = Path(__file__).parent
