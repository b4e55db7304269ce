"""The layouts of letters and documents, in Typst. Data comes in as JSON and is set as text, never as markup."""

from pathlib import Path

DIRECTORY = Path(__file__).parent
