from pathlib import Path

DIRECTORY = Path(__file__).parent
"""Where the ladders that ship with the product lie."""
